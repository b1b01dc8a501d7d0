//! wasi:random. The operating system's random numbers are the host's to grant. The insecure ones are
//! every guest's, since they say nothing about the machine and languages seed their hash tables from
//! them before any code of the plugin runs: each guest has a generator of its own (SplitMix64), seeded
//! by the host when it is first used, so that tables differ from guest to guest and nobody outside can
//! make their keys collide.

use super::{Call, Definer, READ_MAX, buffer};
use crate::component::guest;
use wasmtime::{Error, Result};

/// What a guest's insecure numbers come from.
pub struct Generator {
    state: u64,
}

impl Generator {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// All of them are handed over, so that no more can be asked for than one function gives.
fn check_size(size: u64) -> Result<()> {
    if size <= READ_MAX {
        return Ok(());
    }
    Err(Error::msg(format!(
        "{size} random bytes, but at most {READ_MAX} are given at once: ask for them in parts"
    )))
}

impl Call<'_> {
    fn fill_random(&mut self, to: *mut u8, size: usize) -> Result<()> {
        let data = self.data();
        // SAFETY: the header's contract.
        let goes_on = unsafe { (self.host.random)(data, to, size) };
        self.unless_stopped(goes_on)
    }

    fn generator(&mut self) -> Result<&mut Generator> {
        if guest(&mut self.store).resources().insecure.is_none() {
            let mut seed = [0; 2];
            let data = self.data();
            // SAFETY: the header's contract.
            let goes_on = unsafe { (self.host.seed)(data, &mut seed) };
            self.unless_stopped(goes_on)?;
            let state = seed[0] ^ seed[1].rotate_left(32);
            guest(&mut self.store).resources().insecure = Some(Generator { state });
        }
        let generator = guest(&mut self.store).resources().insecure.as_mut();
        generator.ok_or_else(|| Error::msg("no generator"))
    }
}

fn random_bytes(call: &mut Call<'_>, (size,): (u64,)) -> Result<(Vec<u8>,)> {
    check_size(size)?;
    let mut bytes = buffer(size)?;
    let size = usize::try_from(size)?;
    call.fill_random(bytes.as_mut_ptr(), size)?;
    // SAFETY: the host has filled them.
    unsafe { bytes.set_len(size) };
    Ok((bytes,))
}

fn random_number(call: &mut Call<'_>, (): ()) -> Result<(u64,)> {
    let mut bytes = [0; 8];
    call.fill_random(bytes.as_mut_ptr(), bytes.len())?;
    Ok((u64::from_ne_bytes(bytes),))
}

fn insecure_bytes(call: &mut Call<'_>, (size,): (u64,)) -> Result<(Vec<u8>,)> {
    check_size(size)?;
    let mut bytes = buffer(size)?;
    let size = usize::try_from(size)?;
    let generator = call.generator()?;
    while bytes.len() < size {
        let number = generator.next().to_ne_bytes();
        bytes.extend(number.into_iter().take(size - bytes.len()));
    }
    Ok((bytes,))
}

fn insecure_number(call: &mut Call<'_>, (): ()) -> Result<(u64,)> {
    Ok((call.generator()?.next(),))
}

fn insecure_seed(call: &mut Call<'_>, (): ()) -> Result<((u64, u64),)> {
    let generator = call.generator()?;
    Ok(((generator.next(), generator.next()),))
}

pub fn define(to: &mut Definer<'_>) -> Result<()> {
    to.function(c"wasi:random/random#get-random-bytes", random_bytes)?;
    to.function(c"wasi:random/random#get-random-u64", random_number)?;
    to.function(
        c"wasi:random/insecure#get-insecure-random-bytes",
        insecure_bytes,
    )?;
    to.function(
        c"wasi:random/insecure#get-insecure-random-u64",
        insecure_number,
    )?;
    to.function(c"wasi:random/insecure-seed#insecure-seed", insecure_seed)
}
