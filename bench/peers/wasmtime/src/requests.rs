// Bullpen: `wasmtime serve` and its clients. SPDX-License-Identifier: Apache-2.0
//
// The server is this program again, with the command's own code in a process of its own, so that
// its CPU time can be told from that of the clients. They keep their connections, as a proxy does.
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use crate::calls::{self, Work, cpu_ns};

const SIDE: &str = "wasmtime-serve-48.0.8";

/// Ends with the program, whatever happens to that.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(file: &str) -> Server {
        let program = std::env::current_exe().expect("this program's path");
        let arguments = [
            "serve",
            "-Scli",
            "--addr=127.0.0.1:0",
            "--allow-precompiled",
            file,
        ];
        let mut process = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a server");
        let errors = process.stderr.take().expect("its standard error");
        let address = listening(BufReader::new(errors));
        Server { process, address }
    }

    fn cpu_ns(&self) -> u64 {
        let mut clock = 0;
        // SAFETY: the pointer is to a clock's number of this frame.
        let status = unsafe { libc::clock_getcpuclockid(self.process.id() as i32, &mut clock) };
        assert!(status == 0, "the server's clock of CPU time");
        cpu_ns(clock)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads what the server says until it names its address, and then on, so that it never blocks.
fn listening(mut errors: impl BufRead + Send + 'static) -> SocketAddr {
    let mut said = String::new();
    loop {
        let mut line = String::new();
        if errors.read_line(&mut line).expect("the server's words") == 0 {
            panic!("the server ended: {}", said.trim());
        }
        if let Some(rest) = line.split("http://").nth(1) {
            let address = rest
                .trim()
                .trim_end_matches('/')
                .parse()
                .expect("an address");
            std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
            return address;
        }
        said.push_str(&line);
    }
}

struct Client {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
    body: Vec<u8>,
}

impl Client {
    fn new(address: SocketAddr, input: &[u8]) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let head = format!(
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
            input.len()
        );
        let request = [head.as_bytes(), input].concat();
        Client {
            stream: BufReader::new(stream),
            request,
            body: Vec::new(),
        }
    }

    /// The next line of the answer's head, in lower case.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer");
        line.trim_end().to_ascii_lowercase()
    }

    fn one_call(&mut self) {
        self.stream
            .get_mut()
            .write_all(&self.request)
            .expect("a request");
        let status = self.line();
        assert!(status.contains(" 200"), "the server answered {status}");
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line();
            match line.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().expect("a size"),
                Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
                Some(_) => (),
                None => break,
            }
        }
        self.body.clear();
        if chunked {
            self.read_chunks()
        } else {
            self.read_bytes(length)
        }
        assert!(!self.body.is_empty(), "the server answered nothing");
    }

    fn read_bytes(&mut self, length: usize) {
        let begin = self.body.len();
        self.body.resize(begin + length, 0);
        self.stream
            .read_exact(&mut self.body[begin..])
            .expect("the answer's body");
    }

    fn read_chunks(&mut self) {
        loop {
            let length = usize::from_str_radix(&self.line(), 16).expect("a chunk's size");
            self.read_bytes(length);
            self.line();
            if length == 0 {
                return;
            }
        }
    }
}

/// The same loops as everywhere; the CPU time is the server's alone.
pub fn run(work: &Work) {
    let server = Server::start(&work.file);
    let input = work.input();
    let caller = || {
        let client = Rc::new(RefCell::new(Client::new(server.address, &input)));
        move || {
            let client = client.clone();
            async move { client.borrow_mut().one_call() }
        }
    };
    let figures = calls::on_threads(work, 1, || server.cpu_ns(), caller);
    figures.print("fresh", SIDE, work);
}
