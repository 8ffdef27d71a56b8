//! What stands before a fleet: each new connection goes to a node that says that it
//! is ready, each in its turn.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::server::client;

/// Between two looks at each node's readiness. A balancer in production takes
/// seconds; a node that drains goes on answering until it is over.
const BETWEEN: Duration = Duration::from_millis(100);

/// See the module's text.
pub struct Balancer {
    port: u16,
    nodes: Rc<RefCell<Vec<Node>>>,
    tasks: [JoinHandle<()>; 2],
}

struct Node {
    port: u16,
    ready: bool,
}

impl Balancer {
    /// Before no node yet.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let nodes: Rc<RefCell<Vec<Node>>> = Rc::default();
        let asking = actix_rt::spawn(ask(Rc::clone(&nodes)));
        let relaying = actix_rt::spawn(relay(listener, Rc::clone(&nodes)));
        Self { port, nodes, tasks: [asking, relaying] }
    }

    /// Where it listens.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// There is one more node, or one again.
    pub fn add(&self, port: u16) {
        self.nodes.borrow_mut().push(Node { port, ready: false });
    }

    /// A node is gone.
    pub fn remove(&self, port: u16) {
        self.nodes.borrow_mut().retain(|node| node.port != port);
    }

    /// How many nodes are ready.
    pub fn ready(&self) -> usize {
        self.nodes.borrow().iter().filter(|node| node.ready).count()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn ask(nodes: Rc<RefCell<Vec<Node>>>) {
    let client = client();
    loop {
        let ports: Vec<u16> = nodes.borrow().iter().map(|node| node.port).collect();
        for port in ports {
            let url = format!("http://127.0.0.1:{port}/ready");
            let asked = client.get(url).timeout(Duration::from_secs(2)).send().await;
            let ready = asked.is_ok_and(|answer| answer.status().is_success());
            for node in nodes.borrow_mut().iter_mut().filter(|node| node.port == port) {
                node.ready = ready;
            }
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

async fn relay(listener: TcpListener, nodes: Rc<RefCell<Vec<Node>>>) {
    let mut turn = 0_usize;
    loop {
        let (client, _) = listener.accept().await.expect("a client");
        let ready: Vec<u16> =
            nodes.borrow().iter().filter(|node| node.ready).map(|node| node.port).collect();
        assert!(!ready.is_empty(), "no node is ready");
        turn += 1;
        let port = ready[turn % ready.len()];
        drop(actix_rt::spawn(async move {
            client.set_nodelay(true).expect("an option");
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
            server.set_nodelay(true).expect("an option");
            // Either side may break it off: the other is then told by the end of ours.
            drop(copy_both(&client, &server).await);
        }));
    }
}

async fn copy_both(client: &TcpStream, server: &TcpStream) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            ready = client.readable() => {
                ready?;
                if !pass(client, server, &mut up).await? { return Ok(()) }
            }
            ready = server.readable() => {
                ready?;
                if !pass(server, client, &mut down).await? { return Ok(()) }
            }
        }
    }
}

/// Hands on what is there; whether there may be more.
async fn pass(from: &TcpStream, to: &TcpStream, bytes: &mut [u8]) -> std::io::Result<bool> {
    let count = match from.try_read(bytes) {
        Ok(0) => return Ok(false),
        Ok(count) => count,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut rest = &bytes[..count];
    while !rest.is_empty() {
        to.writable().await?;
        match to.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
