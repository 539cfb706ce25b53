//! The same seed is the same world.
use gsm_sim::{Options, Shape, run};

#[test]
fn a_seed_gives_the_same_trace_twice() {
    for shape in Shape::ALL {
        let options = Options { steps: 150, shape: *shape, plant: None };
        let (first, again) = (run(3, &options).unwrap(), run(3, &options).unwrap());
        let differs = first.trace.iter().zip(&again.trace).find(|(a, b)| a != b);
        assert_eq!(differs, None, "{shape:?}");
        assert_eq!((first.hash, first.answers), (again.hash, again.answers), "{shape:?}");
        let other = run(4, &options).unwrap();
        assert_ne!(first.hash, other.hash, "another seed is another world");
    }
}
