//! wasi:sockets: there so that components link which import them, as all made by some languages do.
//! Nothing can be opened, so that no function of a socket can be reached.

use super::io::IoError;
use super::{Call, Definer};
use std::ffi::CStr;
use wasmtime::Result;
use wasmtime::component::{ComponentType, Lift, Lower, Resource, WasmStr};

pub struct Network;
pub struct TcpSocket;
pub struct UdpSocket;
pub struct IncomingDatagrams;
pub struct OutgoingDatagrams;
pub struct ResolvedAddresses;

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code)] // only one is ever said
pub enum ErrorCode {
    #[component(name = "unknown")]
    Unknown,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "not-supported")]
    NotSupported,
    #[component(name = "invalid-argument")]
    InvalidArgument,
    #[component(name = "out-of-memory")]
    OutOfMemory,
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "concurrency-conflict")]
    ConcurrencyConflict,
    #[component(name = "not-in-progress")]
    NotInProgress,
    #[component(name = "would-block")]
    WouldBlock,
    #[component(name = "invalid-state")]
    InvalidState,
    #[component(name = "new-socket-limit")]
    NewSocketLimit,
    #[component(name = "address-not-bindable")]
    AddressNotBindable,
    #[component(name = "address-in-use")]
    AddressInUse,
    #[component(name = "remote-unreachable")]
    RemoteUnreachable,
    #[component(name = "connection-refused")]
    ConnectionRefused,
    #[component(name = "connection-reset")]
    ConnectionReset,
    #[component(name = "connection-aborted")]
    ConnectionAborted,
    #[component(name = "datagram-too-large")]
    DatagramTooLarge,
    #[component(name = "name-unresolvable")]
    NameUnresolvable,
    #[component(name = "temporary-resolver-failure")]
    TemporaryResolverFailure,
    #[component(name = "permanent-resolver-failure")]
    PermanentResolverFailure,
}

#[derive(ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code)] // it does not matter which
enum AddressFamily {
    #[component(name = "ipv4")]
    Ipv4,
    #[component(name = "ipv6")]
    Ipv6,
}

fn network(call: &mut Call<'_>, (): ()) -> Result<(Resource<Network>,)> {
    Ok((call.hand_out(Network)?,))
}

fn deny<P, T>(_: &mut Call<'_>, _: P) -> Result<(std::result::Result<T, ErrorCode>,)> {
    Ok((Err(ErrorCode::AccessDenied),))
}

fn no_error_code(_: &mut Call<'_>, _: (Resource<IoError>,)) -> Result<(Option<ErrorCode>,)> {
    Ok((None,))
}

const UNREACHABLE: &[&CStr] = &[
    c"wasi:sockets/ip-name-lookup#[method]resolve-address-stream.resolve-next-address",
    c"wasi:sockets/ip-name-lookup#[method]resolve-address-stream.subscribe",
    c"wasi:sockets/tcp#[method]tcp-socket.start-bind",
    c"wasi:sockets/tcp#[method]tcp-socket.finish-bind",
    c"wasi:sockets/tcp#[method]tcp-socket.start-connect",
    c"wasi:sockets/tcp#[method]tcp-socket.finish-connect",
    c"wasi:sockets/tcp#[method]tcp-socket.start-listen",
    c"wasi:sockets/tcp#[method]tcp-socket.finish-listen",
    c"wasi:sockets/tcp#[method]tcp-socket.accept",
    c"wasi:sockets/tcp#[method]tcp-socket.local-address",
    c"wasi:sockets/tcp#[method]tcp-socket.remote-address",
    c"wasi:sockets/tcp#[method]tcp-socket.is-listening",
    c"wasi:sockets/tcp#[method]tcp-socket.address-family",
    c"wasi:sockets/tcp#[method]tcp-socket.set-listen-backlog-size",
    c"wasi:sockets/tcp#[method]tcp-socket.keep-alive-enabled",
    c"wasi:sockets/tcp#[method]tcp-socket.set-keep-alive-enabled",
    c"wasi:sockets/tcp#[method]tcp-socket.keep-alive-idle-time",
    c"wasi:sockets/tcp#[method]tcp-socket.set-keep-alive-idle-time",
    c"wasi:sockets/tcp#[method]tcp-socket.keep-alive-interval",
    c"wasi:sockets/tcp#[method]tcp-socket.set-keep-alive-interval",
    c"wasi:sockets/tcp#[method]tcp-socket.keep-alive-count",
    c"wasi:sockets/tcp#[method]tcp-socket.set-keep-alive-count",
    c"wasi:sockets/tcp#[method]tcp-socket.hop-limit",
    c"wasi:sockets/tcp#[method]tcp-socket.set-hop-limit",
    c"wasi:sockets/tcp#[method]tcp-socket.receive-buffer-size",
    c"wasi:sockets/tcp#[method]tcp-socket.set-receive-buffer-size",
    c"wasi:sockets/tcp#[method]tcp-socket.send-buffer-size",
    c"wasi:sockets/tcp#[method]tcp-socket.set-send-buffer-size",
    c"wasi:sockets/tcp#[method]tcp-socket.subscribe",
    c"wasi:sockets/tcp#[method]tcp-socket.shutdown",
    c"wasi:sockets/udp#[method]udp-socket.start-bind",
    c"wasi:sockets/udp#[method]udp-socket.finish-bind",
    c"wasi:sockets/udp#[method]udp-socket.stream",
    c"wasi:sockets/udp#[method]udp-socket.local-address",
    c"wasi:sockets/udp#[method]udp-socket.remote-address",
    c"wasi:sockets/udp#[method]udp-socket.address-family",
    c"wasi:sockets/udp#[method]udp-socket.unicast-hop-limit",
    c"wasi:sockets/udp#[method]udp-socket.set-unicast-hop-limit",
    c"wasi:sockets/udp#[method]udp-socket.receive-buffer-size",
    c"wasi:sockets/udp#[method]udp-socket.set-receive-buffer-size",
    c"wasi:sockets/udp#[method]udp-socket.send-buffer-size",
    c"wasi:sockets/udp#[method]udp-socket.set-send-buffer-size",
    c"wasi:sockets/udp#[method]udp-socket.subscribe",
    c"wasi:sockets/udp#[method]incoming-datagram-stream.receive",
    c"wasi:sockets/udp#[method]incoming-datagram-stream.subscribe",
    c"wasi:sockets/udp#[method]outgoing-datagram-stream.check-send",
    c"wasi:sockets/udp#[method]outgoing-datagram-stream.send",
    c"wasi:sockets/udp#[method]outgoing-datagram-stream.subscribe",
];

fn define_resources(to: &mut Definer<'_>) -> Result<()> {
    to.resource::<Network>(c"wasi:sockets/network#network")?;
    to.resource::<TcpSocket>(c"wasi:sockets/tcp#tcp-socket")?;
    to.resource::<UdpSocket>(c"wasi:sockets/udp#udp-socket")?;
    to.resource::<IncomingDatagrams>(c"wasi:sockets/udp#incoming-datagram-stream")?;
    to.resource::<OutgoingDatagrams>(c"wasi:sockets/udp#outgoing-datagram-stream")?;
    to.resource::<ResolvedAddresses>(c"wasi:sockets/ip-name-lookup#resolve-address-stream")
}

pub fn define(to: &mut Definer<'_>) -> Result<()> {
    define_resources(to)?;
    for name in UNREACHABLE {
        to.unreachable(name)?;
    }
    to.function(c"wasi:sockets/network#network-error-code", no_error_code)?;
    to.function(c"wasi:sockets/instance-network#instance-network", network)?;
    to.function(
        c"wasi:sockets/tcp-create-socket#create-tcp-socket",
        deny::<(AddressFamily,), Resource<TcpSocket>>,
    )?;
    to.function(
        c"wasi:sockets/udp-create-socket#create-udp-socket",
        deny::<(AddressFamily,), Resource<UdpSocket>>,
    )?;
    to.function(
        c"wasi:sockets/ip-name-lookup#resolve-addresses",
        deny::<(Resource<Network>, WasmStr), Resource<ResolvedAddresses>>,
    )
}
