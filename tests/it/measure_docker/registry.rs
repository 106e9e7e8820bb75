//! An image registry of this machine for one test: Debian's `docker-registry`, on a free port, with a folder of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::common::odd::wait_until;
use crate::common::skip;

pub struct Registry {
    server: Child,
    pub address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Registry {
    /// Starts a registry; `None` if the program is missing.
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        // The port was free a moment ago, and no one else knows it.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: '{address}'}}\n",
            folder.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let started = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(server) = started else {
            return skip("no program docker-registry (Debian: apt-get install docker-registry)");
        };
        let registry = Self {
            server,
            address,
            _folder: folder,
        };
        wait_until(|| TcpStream::connect(registry.address).is_ok());
        Some(registry)
    }

    /// The answer of the registry to a GET.
    pub fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
