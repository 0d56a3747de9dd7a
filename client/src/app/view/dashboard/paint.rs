//! Drawing a chart on a canvas: axes, lines with gaps, and the values under the pointer.
//!
//! Colours come from the style sheet, so that themes hold here too. Not here: when to draw (`chart`), ranges and gaps
//! (`model::scale`).

use crate::app::{
    browser::Intl,
    model::{
        device::Metric,
        number,
        plot::Plot,
        scale::{self, Range},
        series::Bucket,
    },
};
use leptos::prelude::window;
use std::f64::consts::TAU;
use tertulia_shared::wire::number::number;
use wasm_bindgen::JsCast as _;
use web_sys::{CanvasRenderingContext2d as Context, CssStyleDeclaration, HtmlCanvasElement};

/// The least room for the labels of the value axis.
const LEFT: f64 = 24.0;
/// The room between them and the axis.
const GAP: f64 = 6.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 20.0;
/// The room that a label of the time axis needs, in pixels.
const TIME_LABEL: f64 = 76.0;
/// How many ticks the value axis has, about.
const VALUE_TICKS: usize = 3;
const FONT: &str = "11px system-ui, sans-serif";

/// A metric to draw.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) metric: &'a Metric,
    /// The place in the palette.
    pub(super) color: usize,
}

/// What to draw.
pub(super) struct Picture<'a> {
    pub(super) lines: &'a [Line<'a>],
    /// The left end, as a time of the page in milliseconds.
    pub(super) from: f64,
    /// The right end, likewise.
    pub(super) to: f64,
    /// What makes of a time of the page one of the server's clock, in milliseconds.
    pub(super) clock: f64,
    /// Where the pointer is, in pixels from the left; off the plot when it is away.
    pub(super) pointer: f64,
    pub(super) intl: &'a Intl,
    /// The words for a chart without values.
    pub(super) waiting: &'a str,
}

impl Picture<'_> {
    /// The unit that all lines share.
    fn unit(&self) -> &str {
        let first = self.lines.first();
        first
            .and_then(|line| line.metric.unit.as_deref())
            .unwrap_or_default()
    }
}

/// Draws `picture`; nothing when the canvas is not on the screen.
pub(super) fn paint(canvas: &HtmlCanvasElement, picture: &Picture<'_>) {
    let Some(surface) = Surface::of(canvas) else {
        return;
    };
    let series = picture.lines.iter().map(|line| &line.metric.series);
    match scale::range_of(series, picture.from, picture.to, VALUE_TICKS) {
        Some(range) => {
            let axis = Axis::of(picture, range);
            let labels = axis.labels.iter().map(|(_, label)| surface.width_of(label));
            let left = labels.fold(LEFT, f64::max) + 2.0 * GAP;
            let plot = Plot {
                left,
                right: (surface.width - RIGHT).max(left),
                top: TOP,
                bottom: (surface.height - BOTTOM).max(TOP),
                from: picture.from,
                to: picture.to,
                range,
            };
            Drawing {
                surface,
                picture,
                plot,
                axis,
            }
            .draw();
        }
        None => surface.text(
            picture.waiting,
            (surface.width / 2.0, surface.height / 2.0),
            "center",
        ),
    }
}

/// A canvas, cleared and scaled to the screen's pixels.
struct Surface {
    context: Context,
    style: CssStyleDeclaration,
    /// How much larger than usual the reader wants text: all lengths here grow with it.
    zoom: f64,
    /// In CSS pixels of the usual size.
    width: f64,
    /// Likewise.
    height: f64,
}

/// The size of text for which the lengths here are made, in CSS pixels.
const USUAL_TEXT: f64 = 16.0;

impl Surface {
    fn of(canvas: &HtmlCanvasElement) -> Option<Self> {
        let place = canvas.get_bounding_client_rect();
        let style = window().get_computed_style(canvas).ok()??;
        let text = style.get_property_value("font-size").ok()?;
        let zoom = number(text.trim_end_matches("px"))? / USUAL_TEXT;
        let (width, height) = (place.width() / zoom, place.height() / zoom);
        let screen = window().inner_height().ok()?.as_f64()?;
        if width < LEFT + RIGHT || place.bottom() < 0.0 || place.top() > screen {
            return None;
        }
        let ratio = window().device_pixel_ratio() * zoom;
        let pixels = (
            (width * ratio).round() as u32,
            (height * ratio).round() as u32,
        );
        if (canvas.width(), canvas.height()) != pixels {
            canvas.set_width(pixels.0);
            canvas.set_height(pixels.1);
        }
        let context: Context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, width, height);
        context.set_font(FONT);
        let surface = Self {
            context,
            style,
            zoom,
            width,
            height,
        };
        surface.ink("--text-soft");
        Some(surface)
    }

    /// Takes the colour of a CSS variable for what follows.
    fn ink(&self, variable: &str) {
        let color = self.style.get_property_value(variable).unwrap_or_default();
        self.context.set_fill_style_str(&color);
        self.context.set_stroke_style_str(&color);
    }

    fn text(&self, text: &str, (x, y): (f64, f64), align: &str) {
        self.context.set_text_align(align);
        let _ = self.context.fill_text(text, x, y);
    }

    fn width_of(&self, text: &str) -> f64 {
        self.context
            .measure_text(text)
            .map_or(0.0, |metrics| metrics.width())
    }

    fn line(&self, from: (f64, f64), to: (f64, f64)) {
        self.context.begin_path();
        self.context.move_to(from.0, from.1);
        self.context.line_to(to.0, to.1);
        self.context.stroke();
    }

    fn dot(&self, (x, y): (f64, f64), radius: f64) {
        self.context.begin_path();
        let _ = self.context.arc(x, y, radius, 0.0, TAU);
        self.context.fill();
    }
}

/// The value axis: its unit, and its ticks with their labels.
struct Axis {
    unit: String,
    labels: Vec<(f64, String)>,
}

impl Axis {
    /// Ticks share the prefix of the one that is furthest from 0, so that they compare.
    fn of(picture: &Picture<'_>, range: Range) -> Self {
        let size = range.high.abs().max(range.low.abs());
        let number::Scale {
            factor,
            prefix,
            unit,
        } = number::scale(size, picture.unit());
        let style = number::tick_style(size / factor, range.step / factor);
        let label = |tick: f64| (tick, picture.intl.number(tick / factor, style));
        Self {
            unit: format!("{prefix}{unit}"),
            labels: range.ticks().map(label).collect(),
        }
    }
}

struct Drawing<'a> {
    surface: Surface,
    picture: &'a Picture<'a>,
    plot: Plot,
    axis: Axis,
}

impl Drawing<'_> {
    fn draw(&self) {
        self.value_axis();
        self.time_axis();
        self.clip();
        for line in self.picture.lines {
            self.line(line);
        }
        self.surface.context.restore();
        self.crosshair();
    }

    fn value_axis(&self) {
        let surface = &self.surface;
        surface.context.set_line_width(1.0);
        surface.text(&self.axis.unit, (4.0, 11.0), "left");
        for (tick, label) in &self.axis.labels {
            let y = self.plot.y(*tick);
            surface.ink("--text-soft");
            surface.text(label, (self.plot.left - GAP, y + 4.0), "right");
            surface.ink("--line");
            let y = y.round() + 0.5;
            surface.line((self.plot.left, y), (self.plot.right, y));
        }
    }

    fn time_axis(&self) {
        let Plot {
            left,
            right,
            from,
            to,
            ..
        } = self.plot;
        let surface = &self.surface;
        let room = (right - left) / TIME_LABEL;
        let clock = self.picture.clock;
        let (ticks, step) = scale::time_ticks(from + clock, to + clock, room as usize);
        surface.ink("--text-soft");
        for at in ticks {
            let intl = self.picture.intl;
            let label = if step < 60_000.0 {
                intl.time_with_seconds(at)
            } else {
                intl.time(at)
            };
            let half = TIME_LABEL / 2.0 - 10.0;
            // `clamp` would panic where the chart is narrower than a label, with a text that weighs 4 kB in the page.
            let x = self.plot.x(at - clock).min(surface.width - half).max(left);
            surface.text(&label, (x, surface.height - 5.0), "center");
        }
    }

    fn clip(&self) {
        let context = &self.surface.context;
        let Plot {
            left,
            right,
            top,
            bottom,
            ..
        } = self.plot;
        context.save();
        context.begin_path();
        context.rect(left, top - 2.0, right - left + 2.0, bottom - top + 4.0);
        context.clip();
    }

    fn line(&self, line: &Line<'_>) {
        let surface = &self.surface;
        let series = &line.metric.series;
        let gap = series.gap();
        surface.ink(&format!("--series-{}", line.color));
        surface.context.set_line_width(1.75);
        surface.context.set_line_join("round");
        let runs = scale::runs(series.window(self.picture.from, self.picture.to), gap);
        for run in &runs {
            self.run(run);
        }
        if let Some(last) = runs.last().and_then(|run| run.last()) {
            self.until_now(last, gap);
        }
    }

    /// One unbroken piece; where a bucket holds several values, its extremes stand as an upright stroke.
    fn run(&self, run: &[Bucket]) {
        let context = &self.surface.context;
        if let [only] = run {
            self.surface
                .dot((self.plot.x(only.at), self.plot.y(only.last)), 2.5);
            return;
        }
        context.begin_path();
        for bucket in run {
            let x = self.plot.x(bucket.at);
            if bucket.min < bucket.max {
                context.line_to(x, self.plot.y(bucket.min));
                context.line_to(x, self.plot.y(bucket.max));
            }
            context.line_to(x, self.plot.y(bucket.last));
        }
        context.stroke();
        if self.picture.lines.len() == 1 {
            self.shade(run);
        }
    }

    /// Fills what is below the only line, lightly.
    fn shade(&self, run: &[Bucket]) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return;
        };
        let context = &self.surface.context;
        let floor = self.plot.bottom;
        context.line_to(self.plot.x(last.at), floor);
        context.line_to(self.plot.x(first.at), floor);
        context.set_global_alpha(0.1);
        context.fill();
        context.set_global_alpha(1.0);
    }

    /// The last value holds until now, lightly, while it is fresh.
    fn until_now(&self, last: &Bucket, gap: f64) {
        let end = (last.at + gap).min(self.picture.to);
        let y = self.plot.y(last.last);
        let context = &self.surface.context;
        context.set_global_alpha(0.4);
        self.surface
            .line((self.plot.x(last.at), y), (self.plot.x(end), y));
        context.set_global_alpha(1.0);
    }

    /// The values under the pointer.
    fn crosshair(&self) {
        let Picture {
            pointer,
            lines,
            intl,
            ..
        } = *self.picture;
        let surface = &self.surface;
        let pointer = pointer / surface.zoom;
        let Some(at) = self.plot.time(pointer) else {
            return;
        };
        let mut words = vec![intl.time_with_seconds(at + self.picture.clock)];
        surface.ink("--text-soft");
        surface.context.set_line_width(1.0);
        surface.line((pointer, self.plot.top), (pointer, self.plot.bottom));
        for line in lines {
            let Some(bucket) = line.metric.series.nearest(at) else {
                continue;
            };
            surface.ink(&format!("--series-{}", line.color));
            surface.dot((self.plot.x(bucket.at), self.plot.y(bucket.last)), 3.5);
            let (value, unit) = intl.quantity(bucket.last, self.picture.unit());
            words.push(format!("{} {value} {unit}", line.name));
        }
        surface.ink("--text");
        surface.context.set_text_align("right");
        let (x, most) = (surface.width - RIGHT, self.plot.right - LEFT);
        let words = words.join("  ·  ");
        let _ = (surface.context).fill_text_with_max_width(&words, x, 11.0, most);
    }
}
