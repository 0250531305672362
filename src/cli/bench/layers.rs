//! `polepiece bench layers`: every kind of layer alone.

use serde::Serialize;

use crate::cli::args::DeviceArg;
use crate::cli::context::open_device;
use crate::cli::terminal::{Finished, Outcome, say, say_json, table, with_progress};
use crate::monitor::Monitor;

use super::args::LayersArgs;
use super::cases;
use super::convolutions::{ConvolutionRow, Speed};
use super::memory_bound::{self, MemoryRow};

/// One line of JSON.
#[derive(Serialize)]
#[serde(tag = "layer", rename_all = "lowercase")]
enum Row {
    Convolution(ConvolutionRow),
    Memory(MemoryRow),
}

pub(super) fn run(args: &LayersArgs) -> Outcome {
    let device = open_device(&args.how.on(DeviceArg::Cpu))?;
    let rows = with_progress("Layers", |monitor| rows(args, monitor))?;
    if rows.is_empty() {
        anyhow::bail!(
            "No layer's name has these words in it: --only {}",
            args.only.as_deref().unwrap_or_default()
        );
    }
    if args.how.json || args.list {
        return rows.iter().try_for_each(say_json).map(|()| Finished::default());
    }
    say(&device.name);
    print(&rows);
    Ok(Finished::default())
}

fn rows(args: &LayersArgs, monitor: &Monitor) -> anyhow::Result<Vec<Row>> {
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only));
    let cases: Vec<_> = cases::all().into_iter().filter(|case| wanted(&case.name())).collect();
    let operations: Vec<_> = memory_bound::ALL.iter().filter(|operation| wanted(operation.name)).collect();
    if args.list {
        let convolutions = cases.iter().map(|case| Row::Convolution(ConvolutionRow::sizes(case)));
        return Ok(convolutions.chain(operations.iter().map(|op| Row::Memory(op.sizes()))).collect());
    }
    let total = cases.len() + operations.len();
    let mut rows = Vec::with_capacity(total);
    for case in &cases {
        monitor.stage(&case.name());
        rows.push(Row::Convolution(ConvolutionRow::timed(case, args.how.runs)?));
        monitor.progress(rows.len(), total)?;
    }
    for operation in operations {
        monitor.stage(operation.name);
        rows.push(Row::Memory(operation.timed(args.how.runs)?));
        monitor.progress(rows.len(), total)?;
    }
    Ok(rows)
}

fn print(rows: &[Row]) {
    let mut convolutions = vec![CONVOLUTION_HEADING.map(str::to_owned).to_vec()];
    let mut operations = vec![OPERATION_HEADING.map(str::to_owned).to_vec()];
    for row in rows {
        match row {
            Row::Convolution(row) => convolutions.push(convolution_line(row)),
            Row::Memory(row) => operations.push(operation_line(row)),
        }
    }
    let tables: Vec<String> =
        [convolutions, operations].iter().filter(|rows| rows.len() > 1).map(|rows| table(rows)).collect();
    say(&tables.join("\n\n"));
}

const CONVOLUTION_HEADING: [&str; 9] =
    ["convolution", "forward ms", "GFLOP/s", "by", "dX ms", "GFLOP/s", "by", "dW ms", "GFLOP/s"];

fn convolution_line(row: &ConvolutionRow) -> Vec<String> {
    let cells = |speed: &Speed| {
        let numbers = [format!("{:.2}", speed.median_ms), format!("{:.0}", speed.gflops)];
        numbers.into_iter().chain(speed.algorithm.map(|algorithm| algorithm.to_string()))
    };
    let speeds = row.speeds.iter().flat_map(|speeds| [&speeds.forward, &speeds.dx, &speeds.dw]);
    std::iter::once(row.name.clone()).chain(speeds.flat_map(cells)).collect()
}

const OPERATION_HEADING: [&str; 4] = ["operation", "ms", "a copy's", "ratio"];

fn operation_line(row: &MemoryRow) -> Vec<String> {
    let times = row.against_copy.iter().flat_map(|found| [found.median_ms, found.copy_ms, found.ratio]);
    std::iter::once(row.name.to_owned()).chain(times.map(|number| format!("{number:.2}"))).collect()
}
