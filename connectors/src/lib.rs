//! Clients for the services a call talks to.
