//! What a limiter costs.
mod alloc;
