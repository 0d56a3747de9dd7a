//! One HTTP request by `fetch`.

use super::{
    Transport,
    wakes::{Wake, wake},
};
use crate::socketio::{Input, IoId};
use futures_channel::mpsc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, RequestCache, RequestInit, Response};

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct Fetch {
    controller: Option<AbortController>,
}

impl Fetch {
    /// Sends a POST with a body, or a GET without; its answer comes as an input.
    pub(super) fn send(
        id: IoId,
        url: String,
        body: Option<String>,
        transport: &Transport,
        wakes: mpsc::UnboundedSender<Wake>,
    ) -> Self {
        let controller = AbortController::new().ok();
        let init = request(body, transport, controller.as_ref());
        wasm_bindgen_futures::spawn_local(async move {
            let input = match answer(&url, init).await {
                Ok((status, body)) => Input::Response(id, status, body),
                Err(error) => Input::Failed(id, describe(&error)),
            };
            wake(&wakes, input);
        });
        Self { controller }
    }

    /// Aborts it; what still comes of it is ignored by the machine.
    pub(crate) fn abort(self) {
        if let Some(controller) = self.controller {
            controller.abort();
        }
    }
}

fn request(
    body: Option<String>,
    transport: &Transport,
    controller: Option<&AbortController>,
) -> Result<RequestInit, JsValue> {
    let init = RequestInit::new();
    init.set_cache(RequestCache::NoStore);
    init.set_signal(controller.map(AbortController::signal).as_ref());
    init.set_credentials(transport.credentials);
    let headers = Headers::new_with_headers(&transport.headers)?;
    if let Some(body) = body {
        headers.set("content-type", "text/plain;charset=UTF-8")?;
        init.set_method("POST");
        init.set_body(&JsValue::from_str(&body));
    }
    init.set_headers(&headers);
    Ok(init)
}

async fn answer(url: &str, init: Result<RequestInit, JsValue>) -> Result<(u16, String), JsValue> {
    let window = web_sys::window().ok_or_else(|| JsValue::from_str("no window"))?;
    let response = JsFuture::from(window.fetch_with_str_and_init(url, &init?)).await?;
    let response: Response = response.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok((response.status(), body.as_string().unwrap_or_default()))
}

/// The message of a thrown error.
pub(super) fn describe(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => error.as_string().unwrap_or_default(),
    }
}
