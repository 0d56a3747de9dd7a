//! Words as the whole content of an element: `prop:textContent=content(…)`, or `=Content::from(…)` within a live view.
//!
//! A browser's translation of the page replaces text nodes by elements of its own, and an update of a node that is gone is
//! not seen. So words that change are never a child, whose node Leptos would keep. What stays the same is not written
//! again: a screen reader would read it anew, and a translation translate it anew.

use super::parts::Live;
use leptos::{
    tachys::{html::property::IntoProperty, renderer::Rndr},
    wasm_bindgen::JsValue,
    web_sys::Element,
};

/// The words that an element holds.
#[derive(Clone)]
pub(crate) struct Content(String);

impl<T: Into<String>> From<T> for Content {
    fn from(words: T) -> Self {
        Self(words.into())
    }
}

/// Words that follow signals.
pub(crate) fn content(mut words: impl FnMut() -> String + Send + 'static) -> Live<Content> {
    Box::new(move || Content(words()))
}

impl Content {
    fn put(&self, element: &Element, key: &str) {
        Rndr::set_property(element, key, &JsValue::from(&*self.0));
    }
}

impl IntoProperty for Content {
    type State = (Element, String);
    type Cloneable = Self;
    type CloneableOwned = Self;

    fn hydrate<const FROM_SERVER: bool>(self, element: &Element, key: &str) -> Self::State {
        self.build(element, key)
    }

    fn build(self, element: &Element, key: &str) -> Self::State {
        self.put(element, key);
        (element.clone(), self.0)
    }

    fn rebuild(self, (element, shown): &mut Self::State, key: &str) {
        if self.0 != *shown {
            self.put(element, key);
            *shown = self.0;
        }
    }

    fn into_cloneable(self) -> Self::Cloneable {
        self
    }

    fn into_cloneable_owned(self) -> Self::CloneableOwned {
        self
    }
}
