"""The network: the door, TLS, WebSocket connections, who may do what, and what is answered to whom."""
