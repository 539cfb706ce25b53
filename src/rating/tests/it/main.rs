//! Ratings through the public interface: golden numbers, another implementation, properties.
mod explained;
mod fixtures;
mod golden;
mod ladder;
mod oracle;
mod props;
mod rules;
