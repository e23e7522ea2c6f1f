use crate::args::Demo;
use crate::failure::Failure;
use crate::output::Output;
pub fn run(_: &Demo, _: &Output) -> Result<(), Failure> {
    Ok(())
}
