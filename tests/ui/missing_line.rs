use tertulia_shared::Event;

struct Poll;

fn name<E: Event>() -> &'static str {
    E::NAME
}

fn main() {
    name::<Poll>();
}
