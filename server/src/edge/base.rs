//! Serving all below a path: what a proxy leaves of its addresses.
//!
//! Without the path all is served as well, for a proxy that takes the path away and for checks that do not come through it.

use axum::{
    Router,
    extract::Request,
    http::{Uri, uri::PathAndQuery},
    response::Redirect,
    routing::any,
};
use tower::ServiceBuilder;

/// Serves a router below `base` too, which has no slash at its end.
pub fn below(base: Option<&str>, router: Router) -> Router {
    let Some(base) = base else {
        return router;
    };
    let length = base.len();
    let inner = ServiceBuilder::new()
        .map_request(move |request| shortened(request, length))
        .service(router.clone());
    let folder = format!("{base}/");
    // The page's links are relative to the folder.
    let redirect = Redirect::permanent(&folder);
    Router::new()
        .route(base, any(async move || redirect))
        .route_service(&folder, inner.clone())
        .route_service(&format!("{folder}{{*rest}}"), inner)
        .fallback_service(router)
}

/// Takes the first bytes of the path away: a path that the routes above let in.
fn shortened(mut request: Request, length: usize) -> Request {
    let mut parts = request.uri().clone().into_parts();
    let rest = parts.path_and_query.as_ref();
    let rest = rest.and_then(|it| it.as_str().get(length..));
    parts.path_and_query = rest.and_then(|rest| PathAndQuery::try_from(rest).ok());
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::below;
    use axum::{Router, body::Body, extract::Request, http::StatusCode};
    use tower::ServiceExt;

    async fn ask(base: Option<&str>, uri: &str) -> (StatusCode, String) {
        let echo = Router::new().fallback(async |request: Request| request.uri().to_string());
        let request = Request::get(uri).body(Body::empty()).unwrap();
        let answer = below(base, echo).oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let location = head.headers.get("location");
        let location = location.map(|it| it.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(body, 1_000).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        (head.status, location.unwrap_or(body))
    }

    #[tokio::test]
    async fn all_is_there_below_the_path_and_without_it() {
        for (uri, rest) in [
            ("/tertulia/", "/"),
            (
                "/tertulia/socket.io/?EIO=4&x=/tertulia/",
                "/socket.io/?EIO=4&x=/tertulia/",
            ),
            ("https://h/tertulia/a%20b", "https://h/a%20b"),
            ("/tertulia//", "//"),
            ("/tertulias/x", "/tertulias/x"),
            ("/", "/"),
            ("/socket.io/?EIO=4", "/socket.io/?EIO=4"),
        ] {
            let answer = ask(Some("/tertulia"), uri).await;
            assert_eq!(answer, (StatusCode::OK, rest.to_owned()), "{uri}");
        }
        let answer = ask(Some("/tertulia"), "/tertulia").await;
        assert_eq!(
            answer,
            (StatusCode::PERMANENT_REDIRECT, "/tertulia/".to_owned())
        );
        let answer = ask(None, "/tertulia/").await;
        assert_eq!(answer, (StatusCode::OK, "/tertulia/".to_owned()));
    }
}
