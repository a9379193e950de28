//! Before and behind every request: its line in the log, and the faults that happen to connections, not to content.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Response;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use futures_util::stream;

use crate::clock::http_date;
use crate::faults::{Fault, Plan, RetryAfter};
use crate::quota;
use crate::reply::Reply;
use crate::requests::RequestLine;
use crate::route::Route;
use crate::shared::Shared;
use crate::wiretap::Line;

/// How long the first part of a cut body has to get out before the connection closes.
const PART_GETS_OUT: Duration = Duration::from_millis(30);

pub(crate) async fn gate(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let route = Route::of(request.method(), request.uri().path());
    if route == Route::Control {
        return next.run(request).await;
    }
    let plan = shared.faults.plan(route);
    let begun = shared.requests.begin(entry(&shared, &request, route, &plan));
    if !plan.latency.is_zero() {
        tokio::time::sleep(plan.latency).await;
    }
    if plan.faults.contains(&Fault::CloseBefore) {
        line.sever();
        shared.requests.end(begun, None, 0);
        return Response::default();
    }
    let lost = plan.find(|fault| match fault {
        Fault::LostReply { hang_ms } => Some(Duration::from_millis(*hang_ms)),
        _ => None,
    });
    let cut = plan.find(|fault| if let Fault::CutBody { share } = fault { Some(*share) } else { None });
    let response = if let Some(refusal) = refusal(&shared, &plan) {
        let body = refusal.bytes();
        refusal.into_response(body)
    } else {
        request.extensions_mut().insert(plan);
        next.run(request).await
    };
    if let Some(hang) = lost {
        tokio::time::sleep(hang).await;
        line.sever();
        shared.requests.end(begun, None, 0);
        return Response::default();
    }
    let (mut head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Some(share) = cut else {
        shared.requests.end(begun, Some(head.status.as_u16()), body.len() as u64);
        return Response::from_parts(head, Body::from(body));
    };
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a length
    let kept = body.slice(..((body.len() as f64 * share) as usize).min(body.len().saturating_sub(1)));
    shared.requests.end(begun, Some(head.status.as_u16()), kept.len() as u64);
    Response::from_parts(head, broken_off(kept, line))
}

fn entry(shared: &Shared, request: &Request, route: Route, plan: &Plan) -> RequestLine {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    RequestLine {
        number: 0,
        at: shared.clock.now(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        route,
        account: shared.account_of(request.headers(), route).ok(),
        status: None,
        bytes_in: length.and_then(|length| length.parse().ok()).unwrap_or(0),
        bytes_out: 0,
        took_ms: 0,
        faults: plan.names.clone(),
    }
}

/// The first refusal of the plan.
pub(crate) fn refusal(shared: &Shared, plan: &Plan) -> Option<Reply> {
    plan.find(|fault| match fault {
        Fault::Limit => Some(quota::refusal(1000, 1000)),
        Fault::Status { status, shape } => Some(Reply::shaped(*shape, *status, "Something went wrong")),
        Fault::RateLimit { retry_after } => {
            let reply = Reply::detail(429, "Rate limit exceeded");
            Some(match retry_after {
                None => reply,
                Some(RetryAfter::Seconds(seconds)) => reply.header("retry-after", seconds.to_string()),
                Some(RetryAfter::Milliseconds(ms)) => reply.header("retry-after-ms", ms.to_string()),
                Some(RetryAfter::Date(seconds)) => {
                    let at = shared.clock.now() + i64::from(*seconds) * 1000;
                    reply.header("retry-after", http_date(at))
                }
            })
        }
        _ => None,
    })
}

/// A body that ends too early.
fn broken_off(part: Bytes, line: Line) -> Body {
    Body::from_stream(stream::unfold((Some(part), line), |(part, line)| async move {
        if let Some(part) = part {
            return Some((Ok(part), (None, line)));
        }
        tokio::time::sleep(PART_GETS_OUT).await;
        line.sever();
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
        Some((Err::<Bytes, _>(error), (None, line)))
    }))
}
