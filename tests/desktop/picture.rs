//! Pictures of the app's windows, as they are on the screen, and a look at their pixels.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use png::Transformations;

use super::program::tool;
use super::{AppWindow, Desktop, until};

/// The screen lags this far behind the page.
const LAG: Duration = Duration::from_millis(150);

/// Text alone, with its smoothed edges, has more.
const FEWEST_COLOURS: usize = 40;

/// What a picture is like.
struct Picture {
    colours: usize,
    /// From 0 to 255.
    lightness: f64,
}

/// Pictures of the app in one theme, and what is wrong with them.
pub struct Album<'a> {
    desktop: &'a Desktop,
    theme: &'static str,
    folder: PathBuf,
    pub faults: Vec<String>,
    /// The mean lightness of each picture.
    pub lightness: Vec<(&'static str, f64)>,
}

impl<'a> Album<'a> {
    pub fn new(desktop: &'a Desktop, theme: &'static str, folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).expect("pictures can be kept");
        Self { desktop, theme, folder, faults: Vec::new(), lightness: Vec::new() }
    }

    /// Gives the window this size and takes a picture of it.
    pub fn take_at(
        &mut self,
        (width, height): (u32, u32),
        window: &AppWindow,
        title: &str,
        name: &'static str,
    ) {
        let id = until(title, || self.desktop.shown(title));
        let (w, h) = (width.to_string(), height.to_string());
        self.desktop.xdotool(&["windowsize", &id, &w, &h]).expect("it can be resized");
        until("the new size", || {
            let size = window.script("return [innerWidth, innerHeight]", &[]);
            (size[0] == width && size[1] == height).then_some(())
        });
        self.take(window, title, name);
    }

    /// Takes a picture of the window with this title, and looks for what is cut off in it.
    pub fn take(&mut self, window: &AppWindow, title: &str, name: &'static str) {
        let id = until(title, || self.desktop.shown(title));
        // In and out again: nothing is to lie under the pointer that the driver last clicked with.
        let out = ["mousemove", "--window", &id, "5", "5", "mousemove", "1279", "799"];
        self.desktop.xdotool(&out).expect("the pointer can be moved");
        let two_frames = "requestAnimationFrame(() => requestAnimationFrame(drawn))";
        window.promise(&format!("await new Promise((drawn) => {two_frames})"), &[]);
        thread::sleep(LAG);
        let file = self.folder.join(format!("{name}-{}.png", self.theme));
        let mut import = tool("import");
        import.args([
            "-display",
            &self.desktop.display,
            "-window",
            &id,
            "-strip",
            "-define",
            "png:color-type=2",
        ]);
        let status = import.arg(&file).status().expect("import runs");
        assert!(status.success(), "no picture of {title}");

        let picture = look(&file);
        self.lightness.push((name, picture.lightness));
        let blank = (picture.colours < FEWEST_COLOURS).then(|| format!("only {} colours", picture.colours));
        let faults = window.layout_faults().into_iter().chain(blank);
        self.faults.extend(faults.map(|fault| format!("{name}, {}: {fault}", self.theme)));
    }
}

fn look(file: &Path) -> Picture {
    let mut decoder = png::Decoder::new(BufReader::new(File::open(file).expect("the picture is there")));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().expect("it is a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("it fits into memory")];
    let frame = reader.next_frame(&mut pixels).expect("it is whole");
    let pixels: Vec<&[u8]> = pixels[..frame.buffer_size()].chunks_exact(3).step_by(7).collect();
    let light = |pixel: &&[u8]| {
        0.2126 * f64::from(pixel[0]) + 0.7152 * f64::from(pixel[1]) + 0.0722 * f64::from(pixel[2])
    };
    Picture {
        colours: pixels.iter().collect::<HashSet<_>>().len(),
        lightness: pixels.iter().map(light).sum::<f64>() / pixels.len() as f64,
    }
}
