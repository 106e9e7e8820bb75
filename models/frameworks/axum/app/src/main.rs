//! A small JSON API on Axum; the routes are described in ../../../README.md.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{Html, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

mod errors;
mod input;
mod item;
mod work;

use errors::Failure;
use input::{Count, Millis, Order, Orders, Valid, number};
use item::Listing;
use work::{Summary, Totals};

/// The release in Cargo.lock; Axum does not tell it at run time.
const VERSION: &str = "0.8.9";
const MAX_BODY: usize = 4 * 1024 * 1024;
const PROCESS_ID: HeaderName = HeaderName::from_static("x-process-id");
const REQUEST_COUNT: HeaderName = HeaderName::from_static("x-request-count");

static PROCESS: LazyLock<HeaderValue> = LazyLock::new(|| {
    let id = format!("{:016x}", rand::random::<u64>());
    id.try_into().expect("hexadecimal digits are a header value")
});
static REQUESTS: AtomicU64 = AtomicU64::new(0);

#[derive(Serialize)]
struct Hello {
    message: &'static str,
    framework: &'static str,
    version: &'static str,
}

/// Tells which process answered, and how many requests it has seen.
async fn process_headers(request: Request, next: Next) -> Response {
    let count = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(PROCESS_ID, PROCESS.clone());
    headers.insert(REQUEST_COUNT, count.into());
    response
}

async fn not_found() -> Failure {
    Failure::NotFound
}

async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn hello() -> Json<Hello> {
    Json(Hello {
        message: "hello",
        framework: "axum",
        version: VERSION,
    })
}

async fn items(
    id: Result<Path<String>, PathRejection>,
    count: Result<Query<Count>, QueryRejection>,
) -> Result<Json<Listing>, Failure> {
    let id = id.ok().and_then(|Path(id)| number(&id, 1..=1_000_000));
    let id = id.ok_or(Failure::NotFound)?;
    let Query(Count { count }) = count.map_err(|_| Failure::BadCount)?;
    Ok(Json(Listing::new(id, count.unwrap_or(20))))
}

async fn echo(Valid(order): Valid<Order>) -> Json<Order> {
    Json(order)
}

async fn validate(Valid(orders): Valid<Orders>) -> Json<Totals> {
    Json(Totals::of(&orders.orders))
}

fn required(count: Result<Query<Count>, QueryRejection>) -> Result<u64, Failure> {
    let count = count.ok().and_then(|Query(Count { count })| count);
    count.ok_or(Failure::BadCount)
}

async fn template(count: Result<Query<Count>, QueryRejection>) -> Result<Html<String>, Failure> {
    Ok(Html(work::page(required(count)?)))
}

async fn compute(count: Result<Query<Count>, QueryRejection>) -> Result<Json<Summary>, Failure> {
    Ok(Json(Summary::of(required(count)?)))
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_nanos(time.tv_nsec.unsigned_abs())
}

fn burn(time: Duration) {
    let end = thread_cpu() + time;
    let mut x: u64 = 1;
    while thread_cpu() < end {
        for _ in 0..2000 {
            x = x * 48271 % 2_147_483_647;
        }
        x = std::hint::black_box(x);
    }
}

/// On the pool for work that blocks, not on a thread of the event loops.
async fn cpu(ms: Result<Query<Millis>, QueryRejection>) -> Result<Json<Value>, Failure> {
    let Query(Millis { ms }) = ms.map_err(|_| Failure::BadMillis)?;
    tokio::task::spawn_blocking(move || burn(Duration::from_millis(ms)))
        .await
        .map_err(|_| Failure::Internal)?;
    Ok(Json(json!({"cpu_ms": ms})))
}

async fn io(ms: Result<Query<Millis>, QueryRejection>) -> Result<Json<Value>, Failure> {
    let Query(Millis { ms }) = ms.map_err(|_| Failure::BadMillis)?;
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(Json(json!({"io_ms": ms})))
}

/// Returns when the process is told to stop. Requests in flight then have eight seconds.
async fn stopped() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        std::process::exit(0);
    });
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/healthz", get(healthz))
        .route("/json", get(hello))
        .route("/items/{id}", get(items))
        .route("/echo", post(echo))
        .route("/validate", post(validate))
        .route("/template", get(template))
        .route("/compute", get(compute))
        .route("/cpu", get(cpu))
        .route("/io", get(io))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(process_headers));

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".into());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await?;
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("cannot set TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await
}
