//! One HTTP request by `fetch`.

use super::{
    Transport,
    wakes::{Wake, wake},
};
use crate::socketio::{Input, IoId};
use futures_channel::mpsc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Headers, RequestCache, RequestInit, Response};

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
        let init = of_connection(body, transport, controller.as_ref());
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

fn of_connection(
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

/// How long such a request may take, in milliseconds: an official server without anything else on its port never answers.
const PATIENCE_MS: u32 = 4_000;

/// Sends a request that is none of a connection's, with a token where there is one and a body of JSON; gives status and
/// body of the answer.
pub(crate) async fn request(
    method: &str,
    url: &str,
    token: Option<&str>,
    body: Option<String>,
) -> Result<(u16, String), String> {
    let init = RequestInit::new();
    init.set_method(method);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE_MS)));
    let prepared = Headers::new().and_then(|headers| {
        if let Some(token) = token {
            headers.set("authorization", &["Bearer ", token].concat())?;
        }
        if let Some(body) = body {
            headers.set("content-type", "application/json")?;
            init.set_body(&JsValue::from_str(&body));
        }
        init.set_headers(&headers);
        Ok(init)
    });
    answer(url, prepared)
        .await
        .map_err(|error| describe(&error))
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
