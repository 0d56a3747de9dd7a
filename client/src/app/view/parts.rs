//! Pieces of views with their types erased: one copy of the machinery for all that follow signals.
//!
//! Leptos makes code for each type of closure. Boxed, all closures that give words are one type, and so on: this makes
//! the page that every visitor downloads about a third smaller. A closure in a generic function is another type for each
//! use of it: so what is boxed goes to a function that is not generic.

use super::content::{Content, content};
use leptos::{prelude::*, task::spawn_local};
use std::{pin::Pin, sync::Arc};

/// A piece that is made again when what it reads changes.
pub(crate) type Live<T> = Box<dyn FnMut() -> T + Send>;
/// What happens on an event.
pub(crate) type Handler<E> = Box<dyn FnMut(E)>;

/// Words that follow signals, as an attribute. As what an element holds they are its [`content`].
pub(crate) fn words(words: impl FnMut() -> String + Send + 'static) -> Live<String> {
    Box::new(words)
}

/// A view that follows signals.
pub(crate) fn live(view: impl FnMut() -> AnyView + Send + 'static) -> AnyView {
    let view: Live<AnyView> = Box::new(view);
    view.into_any()
}

/// `view` while `condition` holds; it is made anew only when that changes.
pub(crate) fn when(
    condition: impl Fn() -> bool + Send + Sync + 'static,
    view: impl FnMut() -> AnyView + Send + 'static,
) -> AnyView {
    while_holds(memo(condition), Box::new(view))
}

fn while_holds(holds: Memo<bool>, mut view: Live<AnyView>) -> AnyView {
    live(move || if holds.get() { view() } else { nothing() })
}

/// A condition whose readers run again only when it changes.
pub(crate) fn memo(condition: impl Fn() -> bool + Send + Sync + 'static) -> Memo<bool> {
    memo_of(Box::new(condition))
}

fn memo_of(condition: Box<dyn Fn() -> bool + Send + Sync>) -> Memo<bool> {
    Memo::new(move |_| condition())
}

/// One child for each of `names`; a name that stays keeps its child.
pub(crate) fn list(
    names: impl Fn() -> Vec<String> + Send + 'static,
    child: impl Fn(String) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    list_of(Box::new(names), Arc::new(child))
}

fn list_of(
    names: Box<dyn Fn() -> Vec<String> + Send>,
    child: Arc<dyn Fn(String) -> AnyView + Send + Sync>,
) -> AnyView {
    view! { <For each=names key=Clone::clone children=move |name| child(name) /> }.into_any()
}

/// A paragraph with a class.
pub(crate) fn note(class: &'static str, words: String) -> AnyView {
    view! { <p class=class data-testid=class prop:textContent=Content::from(words)></p> }.into_any()
}

/// A button: its class, its name for tests, its words, and what it does.
pub(crate) fn button(
    names: [&'static str; 2],
    label: impl FnMut() -> String + Send + 'static,
    act: impl FnMut() + 'static,
) -> AnyView {
    button_of(names, content(label), press(act))
}

fn button_of(
    [class, test]: [&'static str; 2],
    label: Live<Content>,
    act: Handler<leptos::ev::MouseEvent>,
) -> AnyView {
    view! {
        <button
            type="button"
            class=class
            data-testid=test
            on:click=act
            prop:textContent=label
        ></button>
    }
    .into_any()
}

/// A button whose words do not change.
pub(crate) fn plain_button(
    names: [&'static str; 2],
    label: &'static str,
    act: impl FnMut() + 'static,
) -> AnyView {
    button_of(names, fixed(label), press(act))
}

/// Words that do not change, where others would.
fn fixed(words: &'static str) -> Live<Content> {
    Box::new(move || words.into())
}

/// No view at all.
pub(crate) fn nothing() -> AnyView {
    ().into_any()
}

/// What happens when a button is pressed.
pub(crate) fn press(mut act: impl FnMut() + 'static) -> Handler<leptos::ev::MouseEvent> {
    Box::new(move |_| act())
}

/// What happens when a form is sent; the browser itself does nothing.
pub(crate) fn submit(mut act: impl FnMut() + 'static) -> Handler<leptos::ev::SubmitEvent> {
    Box::new(move |event| {
        event.prevent_default();
        act();
    })
}

/// Keeps what is typed in `signal`.
pub(crate) fn typed(signal: RwSignal<String>) -> Handler<leptos::ev::Event> {
    Box::new(move |event| signal.set(event_target_value(&event)))
}

/// Runs `act` now and after each change of what it reads.
pub(crate) fn effect(act: impl FnMut() + 'static) {
    effect_of(Box::new(act));
}

fn effect_of(mut act: Box<dyn FnMut()>) {
    Effect::new(move |_| act());
}

/// Lets `future` run.
pub(crate) fn run(future: impl Future<Output = ()> + 'static) {
    let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(future);
    spawn_local(future);
}
