//! The server: a thread for each connection, and the way of a call from its bytes to its answer.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;

use super::api::{Ask, Code, needs, route, signed_for, target};
use super::clock::Clock;
use super::fault::{Cut, Failure};
use super::http::{self, Buffer, Request};
use super::invoke::{self, Asked};
use super::record::Call;
use super::reply::Reply;
use super::reply::refuse::{unknown, with};
use super::url;
use super::world::World;

/// The state that all connections share.
pub struct Service {
    pub clock: Clock,
    pub address: SocketAddr,
    world: Mutex<World>,
    /// Told of every call that was recorded.
    called: Condvar,
    streams: Mutex<Vec<TcpStream>>,
}

impl Service {
    /// The state of the service, held until the guard is dropped.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(self.clock.now_ms());
        world
    }

    /// Waits until `done` holds after a call, for `timeout` at most, and says if it does.
    pub fn wait_until(&self, timeout: std::time::Duration, mut done: impl FnMut(&World) -> bool) -> bool {
        let waited = self
            .called
            .wait_timeout_while(self.world(), timeout, |world| !done(world));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// Binds a free port of the loopback address and serves in threads.
pub fn start(world: World, clock: Clock) -> io::Result<(Arc<Service>, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let service = Arc::new(Service {
        clock,
        address: listener.local_addr()?,
        world: Mutex::new(world),
        called: Condvar::new(),
        streams: Mutex::new(Vec::new()),
    });
    let shared = Arc::clone(&service);
    let acceptor = std::thread::spawn(move || accept(&listener, &shared));
    Ok((service, acceptor))
}

/// Ends all waits and connections, and the thread that accepts them. Returns false if a thread has panicked.
pub fn stop(service: &Service, acceptor: JoinHandle<()>) -> bool {
    service.clock.stop();
    // Wakes the thread that accepts.
    drop(TcpStream::connect(service.address));
    for stream in service.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        // One that the client has closed is not connected any more.
        let _ = stream.shutdown(Shutdown::Both);
    }
    acceptor.join().is_ok()
}

fn accept(listener: &TcpListener, service: &Arc<Service>) {
    let mut connections = Vec::new();
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let Ok(twin) = stream.try_clone() else { continue };
        {
            // A connection that comes while the service stops is either shut down or never served.
            let mut streams = service.streams.lock().unwrap_or_else(PoisonError::into_inner);
            if service.clock.has_stopped() {
                break;
            }
            streams.push(twin);
        }
        let shared = Arc::clone(service);
        connections.push(std::thread::spawn(move || {
            let mut stream = stream;
            // A client that goes away is no fault of the service.
            let _ = serve(&mut stream, &shared);
            // Its twin is still open, so that dropping this one does not end the connection.
            let _ = stream.shutdown(Shutdown::Both);
        }));
    }
    for connection in connections {
        assert!(connection.join().is_ok(), "a connection's thread has panicked");
    }
}

fn serve(stream: &mut TcpStream, service: &Service) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Buffer::default();
    while let Some(request) = http::read(stream, &mut buffer)? {
        let request_id = service.world().ids.uuid();
        let (reply, cut) = answer(service, &request, &request_id);
        if service.clock.has_stopped() {
            break;
        }
        http::write(stream, &reply, &request_id, cut)?;
        let closes = request
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if cut.is_some() || closes {
            break;
        }
    }
    Ok(())
}

/// Records a call, carries it out, and notes its answer.
fn answer(service: &Service, request: &Request, request_id: &str) -> (Reply, Option<Cut>) {
    let now_ms = service.clock.now_ms();
    let routed = route(request);
    let action = routed.as_ref().map(|(action, ..)| *action);
    let named = routed.as_ref().and_then(|(.., named)| named.clone());
    let body: Value = match &routed {
        Some((_, Code::Control(_), _)) => serde_json::from_slice(&request.body).unwrap_or_default(),
        _ => Value::Null,
    };
    let (mut name, qualifier) = target(named.as_deref(), request, &body);
    let region = signed_for(request);
    let (number, failure) = {
        let mut world = service.world();
        if let Some((_, Code::Url, _)) = routed {
            name = url::function_of(&world, request).unwrap_or_default();
        }
        let failure = action.and_then(|action| world.failure(action));
        world.calls.push(Call {
            action: action.map_or_else(|| format!("{} {}", request.method, request.path), str::to_string),
            needs: action.map(|action| needs(action, &body)).unwrap_or_default(),
            function: Some(name.clone()).filter(|name| !name.is_empty()),
            qualifier: qualifier.clone(),
            at_ms: now_ms,
            status: 0,
            error: None,
            cut: failure.as_ref().and_then(Failure::cut),
        });
        (world.calls.len() - 1, failure)
    };
    service.called.notify_all();
    let cut = failure.as_ref().and_then(Failure::cut);
    let refused = failure
        .as_ref()
        .zip(action)
        .and_then(|(failure, action)| failure.answer(action));
    let base = format!("http://{}", service.address);
    let reply = match (routed, refused) {
        _ if failure == Some(Failure::Closed) => Reply::empty(0),
        (_, Some(refused)) => refused,
        (None, _) => unknown(&format!("no such call: {} {}", request.method, request.path)),
        (Some((_, Code::Url, _)), _) => by_url(service, request, request_id, now_ms, cut.is_none()),
        (Some((_, code, _)), _) => match region {
            None => with(
                403,
                "MissingAuthenticationTokenException",
                serde_json::json!({"message": "Missing Authentication Token"}),
            ),
            Some(region) => {
                let ask = Ask {
                    request,
                    name,
                    qualifier,
                    body,
                    region,
                    base: &base,
                    clock: &service.clock,
                    now_ms,
                };
                match code {
                    Code::Control(code) => either(code(&mut service.world(), &ask)),
                    _ => either(by_name(service, &ask, request_id, cut.is_none())),
                }
            }
        },
    };
    {
        let mut world = service.world();
        let call = &mut world.calls[number];
        call.status = reply.status;
        call.error = reply.error().map(str::to_string);
    }
    service.called.notify_all();
    (reply, cut)
}

fn either(result: Result<Reply, Reply>) -> Reply {
    result.unwrap_or_else(|refused| refused)
}

fn by_name(service: &Service, ask: &Ask<'_>, request_id: &str, is_answered: bool) -> Result<Reply, Reply> {
    invoke::kind_fits(ask.request.header("x-amz-invocation-type"))?;
    invoked(
        service,
        &Asked {
            name: &ask.name,
            qualifier: ask.qualifier.as_deref(),
            region: &ask.region,
            event: invoke::event(&ask.request.body)?,
            with_log: ask.request.header("x-amz-log-type") == Some("Tail"),
            request_id,
            now_ms: ask.now_ms,
            is_answered,
        },
    )
}

fn by_url(service: &Service, request: &Request, request_id: &str, now_ms: f64, is_answered: bool) -> Reply {
    // In a statement of its own, so that the lock is free again.
    let owner = url::function_of(&service.world(), request);
    let invoked = owner.and_then(|name| {
        let asked = Asked {
            name: &name,
            qualifier: None,
            region: "",
            event: url::event(request),
            with_log: false,
            request_id,
            now_ms,
            is_answered,
        };
        invoked(service, &asked)
    });
    invoked.map_or_else(|refused| refused, url::unwrapped)
}

/// Runs an invocation: without the lock while it waits.
fn invoked(service: &Service, asked: &Asked<'_>) -> Result<Reply, Reply> {
    let running = invoke::begin(&mut service.world(), asked, &service.clock)?;
    service.clock.wait(running.takes_ms());
    let now_ms = service.clock.now_ms();
    Ok(invoke::end(&mut service.world(), running, now_ms))
}
