use super::Prepared;
use super::script::{FLOAT, Script, UINT8, int, ints, text};

/// How a picture becomes an input, in this order: channels turned round, resized, cropped, `(x * scale - mean) / std`.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The model's input.
    pub input: String,
    /// What callers give.
    pub name: String,
    /// Rows and columns of the picture given.
    pub size: [usize; 2],
    /// Values of a pixel.
    pub channels: usize,
    /// Whether bytes are given, else f32.
    pub bytes: bool,
    /// Where the channels of the picture given are.
    pub layout: Layout,
    /// Where the model expects them.
    pub model_layout: Layout,
    /// Whether the model expects the channels the other way round, as RGB for BGR.
    pub reverse: bool,
    /// To which size it is resampled.
    pub resize: Option<Resize>,
    /// Rows and columns kept from the middle afterwards.
    pub crop: Option<[usize; 2]>,
    /// Multiplied with every value.
    pub scale: f32,
    /// Subtracted, per channel; empty for none.
    pub mean: Vec<f32>,
    /// Divided by, per channel; empty for none.
    pub std: Vec<f32>,
}

/// Where the channels of a picture are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// One plane after the other, `[1, C, H, W]`.
    Planes,
    /// Pixel after pixel, `[1, H, W, C]`.
    #[default]
    Pixels,
}

/// How a picture is resampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// The size after it.
    pub to: Target,
    /// How values between pixels are found.
    pub sampling: Sampling,
    /// Whether shrinking looks at every pixel.
    pub antialias: bool,
}

/// The size of a resampled picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Rows and columns.
    Size([usize; 2]),
    /// The shorter side; the longer one follows, rounded down.
    Shorter(usize),
}

/// How values between pixels are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// The nearest pixel.
    Nearest,
    /// Between two neighbours along each axis.
    #[default]
    Linear,
    /// Of four neighbours along each axis, a = -1/2 where antialiased and -3/4 else, as Pillow and PyTorch have it.
    Cubic,
}

/// Largest extent of a picture.
const MAX_EXTENT: usize = 1 << 14;

impl Picture {
    pub(super) fn write(&self, script: &mut Script) -> Result<Prepared, &'static str> {
        self.check()?;
        let ([height, width], channels) = (self.size, self.channels);
        let given = match self.layout {
            Layout::Planes => vec![1, channels, height, width],
            Layout::Pixels => vec![1, height, width, channels],
        };
        let mut y = script.input();
        if self.bytes {
            y = script.add("Cast", &[&y], vec![int("to", FLOAT.into())]);
        }
        if self.layout == Layout::Pixels {
            y = script.add("Transpose", &[&y], vec![ints("perm", &[0, 3, 1, 2])]);
        }
        if self.reverse {
            let order: Vec<i64> = (0..channels as i64).rev().collect();
            let order = script.i64s(&order);
            y = script.add("Gather", &[&y, &order], vec![int("axis", 1)]);
        }
        let mut size = self.size;
        if let Some(resize) = &self.resize {
            size = resize.size(size);
            y = resize.write(script, &y, size);
        }
        if let Some(crop) = self.crop {
            y = cropped(script, &y, size, crop)?;
            size = crop;
        }
        y = self.normalised(script, y);
        let mut made = vec![1, channels, size[0], size[1]];
        if self.model_layout == Layout::Pixels {
            y = script.add("Transpose", &[&y], vec![ints("perm", &[0, 2, 3, 1])]);
            made = vec![1, size[0], size[1], channels];
        }
        Ok(Prepared { given: (if self.bytes { UINT8 } else { FLOAT }, given), made: (y, made) })
    }

    fn check(&self) -> Result<(), &'static str> {
        let usable = |n: &usize| (1..=MAX_EXTENT).contains(n);
        let target = self.resize.map_or([1, 1], |resize| match resize.to {
            Target::Size(size) => size,
            Target::Shorter(side) => [side, side],
        });
        if !self.size.iter().chain(&target).chain(&self.crop.unwrap_or([1, 1])).all(usable) {
            return Err("a picture has 1 to 16384 rows and columns");
        }
        if !(1..=64).contains(&self.channels) {
            return Err("a picture has 1 to 64 channels");
        }
        let fits = |values: &[f32]| values.is_empty() || values.len() == self.channels;
        if !fits(&self.mean) || !fits(&self.std) {
            return Err("mean and std have one number per channel");
        }
        let numbers = self.mean.iter().chain(&self.std).chain([&self.scale]);
        if numbers.into_iter().any(|v| !v.is_finite()) || self.std.contains(&0.0) {
            return Err("scale, mean and std are finite, and std is not 0");
        }
        Ok(())
    }

    fn normalised(&self, script: &mut Script, mut y: String) -> String {
        let per_channel = [self.channels, 1, 1];
        if self.scale != 1.0 {
            let scale = script.f32s(&[], &[self.scale]);
            y = script.add("Mul", &[&y, &scale], vec![]);
        }
        if !self.mean.is_empty() {
            let mean = script.f32s(&per_channel, &self.mean);
            y = script.add("Sub", &[&y, &mean], vec![]);
        }
        if !self.std.is_empty() {
            let std = script.f32s(&per_channel, &self.std);
            y = script.add("Div", &[&y, &std], vec![]);
        }
        y
    }
}

impl Resize {
    fn size(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        match self.to {
            Target::Size(size) => size,
            Target::Shorter(side) if height <= width => [side, width * side / height],
            Target::Shorter(side) => [height * side / width, side],
        }
    }

    fn write(&self, script: &mut Script, y: &str, [height, width]: [usize; 2]) -> String {
        let sizes = script.i64s(&[height as i64, width as i64]);
        let antialias = i64::from(self.antialias);
        // Pillow and PyTorch leave out what lies outside only where they look at every pixel.
        let mut attributes =
            vec![ints("axes", &[2, 3]), int("antialias", antialias), int("exclude_outside", antialias)];
        match self.sampling {
            Sampling::Nearest => attributes.push(text("mode", "nearest")),
            Sampling::Linear => attributes.push(text("mode", "linear")),
            Sampling::Cubic => {
                let a = if self.antialias { -0.5 } else { -0.75 };
                attributes.extend([text("mode", "cubic"), super::script::float("cubic_coeff_a", a)]);
            }
        }
        script.add("Resize", &[y, "", "", &sizes], attributes)
    }
}

/// The middle, one pixel further up and left where it cannot be even.
fn cropped(script: &mut Script, y: &str, size: [usize; 2], crop: [usize; 2]) -> Result<String, &'static str> {
    let mut starts = [0; 2];
    let mut ends = [0; 2];
    for i in 0..2 {
        let room = size[i].checked_sub(crop[i]).ok_or("the crop is larger than the picture")?;
        (starts[i], ends[i]) = ((room / 2) as i64, (room / 2 + crop[i]) as i64);
    }
    let (starts, ends, axes) = (script.i64s(&starts), script.i64s(&ends), script.i64s(&[2, 3]));
    Ok(script.add("Slice", &[y, &starts, &ends, &axes], vec![]))
}
