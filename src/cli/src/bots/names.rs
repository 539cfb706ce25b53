//! Names that bots show.
use super::rng::Rng;

const ADJECTIVES: [&str; 64] = [
    "Amber", "Ancient", "Arctic", "Bold", "Brave", "Bright", "Bronze", "Calm", "Clever", "Cosmic", "Crimson",
    "Curious", "Daring", "Dusty", "Eager", "Electric", "Fearless", "Feral", "Fierce", "Flying", "Frosty",
    "Gentle", "Golden", "Grumpy", "Happy", "Hidden", "Hungry", "Icy", "Iron", "Jolly", "Keen", "Lazy",
    "Lone", "Lucky", "Lunar", "Mellow", "Merry", "Mighty", "Misty", "Neon", "Nimble", "Noble", "Pale",
    "Patient", "Quick", "Quiet", "Rapid", "Rusty", "Scarlet", "Secret", "Silent", "Silver", "Sleepy", "Sly",
    "Solar", "Stormy", "Sturdy", "Sunny", "Swift", "Tiny", "Velvet", "Vivid", "Wild", "Witty",
];

const NOUNS: [&str; 64] = [
    "Antelope", "Badger", "Beacon", "Bear", "Bison", "Cactus", "Comet", "Condor", "Cougar", "Coyote",
    "Crane", "Cricket", "Dingo", "Dolphin", "Dragon", "Falcon", "Ferret", "Finch", "Fox", "Gecko", "Ghost",
    "Glacier", "Griffin", "Hawk", "Hedgehog", "Heron", "Hornet", "Jackal", "Jaguar", "Kestrel", "Knight",
    "Lantern", "Lemur", "Lynx", "Magpie", "Mantis", "Marten", "Meteor", "Moose", "Nomad", "Ocelot", "Otter",
    "Owl", "Panther", "Pilot", "Pirate", "Puffin", "Python", "Ranger", "Raven", "Robin", "Salmon", "Scout",
    "Shark", "Sparrow", "Spider", "Stoat", "Tiger", "Turtle", "Viper", "Walrus", "Weasel", "Wizard", "Wolf",
];

/// A name of one of the shapes that players choose: `SwiftOtter42`, `swift-otter`, `SwiftOtter`, `Otter1987`.
///
/// At most 19 characters, all of them visible ASCII.
pub(super) fn draw(rng: &mut Rng) -> String {
    let mut word = |all: &[&'static str]| all.get(rng.below(all.len())).copied().unwrap_or("Player");
    let (adjective, noun) = (word(&ADJECTIVES), word(&NOUNS));
    match rng.below(10) {
        0..=3 => format!("{adjective}{noun}{}", 1 + rng.below(99)),
        4..=5 => format!("{adjective}-{noun}").to_ascii_lowercase(),
        6..=7 => format!("{adjective}{noun}"),
        _ => format!("{noun}{}", 1970 + rng.below(45)),
    }
}
