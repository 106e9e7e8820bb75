//! `report.xlsx`: the answer as a workbook. Numbers are numbers with formats, every bill line multiplies out in a formula of its
//! own, and totals are formulas over the lines.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{
    Chart, ChartType, DocProperties, ExcelDateTime, Format, FormatAlign, Formula, Table, TableColumn, Worksheet,
    XlsxError,
};

use super::Report;
use super::costs::{Charge, charges};
use super::manifest::Manifest;
use crate::study::metric::OUTCOMES;
use crate::study::{Kind, Metric, Row, Study, VariantResult};

/// A cell.
enum Cell {
    Text(String),
    Number(f64, &'static str),
    Formula(String, f64, &'static str),
    Blank,
}

const COUNT: &str = "#,##0";
const AMOUNT: &str = "#,##0.00";
const MILLISECONDS: &str = "#,##0.0";
const PERCENT: &str = "0.00%";
const DOLLARS: &str = "#,##0.00";
const EXACT: &str = "0.############";

/// `report.xlsx`.
#[derive(Debug)]
pub struct Workbook;

impl Report for Workbook {
    fn name(&self) -> &str {
        "report.xlsx"
    }

    fn doc(&self) -> &str {
        "The answer as a workbook: summary, bill, timeline with charts, assumptions. Bill lines multiply out in formulas, and totals \
         are formulas over the lines."
    }

    fn write(&self, study: &Study, manifest: &Manifest) -> Option<Vec<u8>> {
        // Names of sheets are fixed and text is cut to what a cell holds, so that the writer has nothing to refuse.
        Some(workbook(study, manifest).unwrap_or_else(|error| panic!("a workbook: {error}")))
    }
}

fn workbook(study: &Study, manifest: &Manifest) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    // The same study is the same file, whenever it is written.
    let created = ExcelDateTime::from_ymd(2026, 1, 1)?;
    let about = DocProperties::new()
        .set_title("coldcast projection")
        .set_creation_datetime(&created);
    workbook.set_properties(&about);
    summary(workbook.add_worksheet(), study)?;
    bill(workbook.add_worksheet(), study)?;
    timeline(workbook.add_worksheet(), study)?;
    assumptions(workbook.add_worksheet(), study, manifest)?;
    workbook.save_to_buffer()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_string())
}

fn known(number: Option<f64>, format: &'static str) -> Cell {
    number
        .filter(|number| number.is_finite())
        .map_or(Cell::Blank, |number| Cell::Number(number, format))
}

fn decimal(amount: Decimal, format: &'static str) -> Cell {
    known(amount.to_f64(), format)
}

fn put(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell) -> Result<(), XlsxError> {
    match cell {
        Cell::Blank => {}
        Cell::Text(text) => {
            // A cell holds 32,767 characters.
            sheet.write_string(row, column, text.chars().take(32_000).collect::<String>())?;
        }
        Cell::Number(number, format) => {
            sheet.write_number_with_format(row, column, *number, &Format::new().set_num_format(*format))?;
        }
        Cell::Formula(formula, result, format) => {
            let formula = Formula::new(formula).set_result(result.to_string());
            sheet.write_formula_with_format(row, column, formula, &Format::new().set_num_format(*format))?;
        }
    }
    Ok(())
}

/// Rows below a header that stays in sight.
fn fill(sheet: &mut Worksheet, header: &[&str], rows: &[Vec<Cell>]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top);
    for (column, name) in header.iter().enumerate() {
        sheet.write_string_with_format(0, column as u16, *name, &bold)?;
    }
    for (row, cells) in rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            put(sheet, row as u32 + 1, column as u16, cell)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    sheet.set_repeat_rows(0, 0)?;
    let mut lines = 1;
    for (column, name) in header.iter().enumerate() {
        let longest = rows.iter().filter_map(|cells| match cells.get(column) {
            Some(Cell::Text(text)) => Some(text.chars().count()),
            _ => None,
        });
        // A header may take two lines, more only where it is very long.
        let letters = name.chars().count();
        let width = longest.max().unwrap_or(0).max(letters.div_ceil(2)).clamp(12, 44);
        lines = lines.max((letters + 4).div_ceil(width));
        sheet.set_column_width(column as u16, width as f64 + 1.0)?;
    }
    sheet.set_row_height(0, 15.0 * lines as f64)?;
    Ok(())
}

fn summary(sheet: &mut Worksheet, study: &Study) -> Result<(), XlsxError> {
    sheet.set_name("Summary")?;
    let header: Vec<String> = SUMMARY.iter().map(Place::title).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = study
        .variants
        .iter()
        .flat_map(|variant| variant.rows.iter().map(move |row| (variant, row)));
    // Lines of the bill follow in a sheet of their own, below its header.
    let last = 1 + charges(study).count();
    let rows: Vec<Vec<Cell>> = rows
        .enumerate()
        .map(|(i, (variant, row))| {
            SUMMARY
                .iter()
                .map(|place| place.cell(variant, row, i + 2, last))
                .collect()
        })
        .collect();
    fill(sheet, &header, &rows)
}

/// A column of the summary.
enum Place {
    Text(&'static str, fn(&Row) -> String),
    Value(Metric),
    /// The monthly cost as a sum over the lines of the bill.
    Total,
    Low(Metric),
    High(Metric),
}

const SUMMARY: [Place; 18] = [
    Place::Text("Variant", |row| row.variant.clone()),
    Place::Text("Service", |row| row.service.clone()),
    Place::Text("Framework", |row| row.framework.clone()),
    Place::Text("Platform", |row| row.platform.to_string()),
    Place::Value(Metric::Requests),
    Place::Value(Metric::LatencyP50),
    Place::Value(Metric::LatencyP95),
    Place::Value(Metric::LatencyP99),
    Place::Value(Metric::SloViolationRatio),
    Place::Text("SLO met", |row| {
        row.slo_met.map_or("", |met| if met { "yes" } else { "no" }).to_string()
    }),
    Place::Value(Metric::InstancesMean),
    Place::Value(Metric::NodesMean),
    Place::Total,
    Place::Low(Metric::MonthlyCost),
    Place::High(Metric::MonthlyCost),
    Place::Value(Metric::CostPerMillion),
    Place::Text("Price list", |row| row.price_list.clone().unwrap_or_default()),
    Place::Text("Profiles", |row| row.profile_source.clone()),
];

/// The number format of a metric.
fn format(metric: Metric) -> &'static str {
    match metric.kind() {
        Kind::Share => PERCENT,
        Kind::Time | Kind::Quantile => MILLISECONDS,
        Kind::Money | Kind::MoneyChange => DOLLARS,
        Kind::Count if OUTCOMES.contains(&metric) || metric == Metric::Requests => COUNT,
        Kind::Count => AMOUNT,
    }
}

impl Place {
    /// The header, with the unit where the numbers do not show it.
    fn title(&self) -> String {
        match self {
            Self::Text(title, _) => (*title).to_string(),
            Self::Value(metric) => match metric.kind() {
                Kind::Count | Kind::Share => metric.title().to_string(),
                _ => format!("{}, {}", metric.title(), metric.unit()),
            },
            Self::Total => Self::Value(Metric::MonthlyCost).title(),
            Self::Low(_) => "low (95%)".to_string(),
            Self::High(_) => "high (95%)".to_string(),
        }
    }

    /// The cell in row `number` of the sheet; the bill's last row is `last`.
    fn cell(&self, variant: &VariantResult, row: &Row, number: usize, last: usize) -> Cell {
        match *self {
            Self::Text(_, of) => Cell::Text(of(row)),
            Self::Value(metric) => known(row.float(metric), format(metric)),
            Self::Low(metric) => known(row.interval(metric).map(|(low, _)| low), format(metric)),
            Self::High(metric) => known(row.interval(metric).map(|(_, high)| high), format(metric)),
            Self::Total => total(variant, row, number, last),
        }
    }
}

fn total(variant: &VariantResult, row: &Row, number: usize, last: usize) -> Cell {
    let cost = row.float(Metric::MonthlyCost);
    let Some(cost) = cost.filter(|_| !variant.bills.is_empty()) else {
        return known(cost, DOLLARS);
    };
    // A row of all services is the sum over the variant, one of a service that over both.
    let of_variant = format!("Bill!$M$2:$M${last},Bill!$A$2:$A${last},$A{number}");
    let formula = if variant.bills.iter().any(|(service, _)| *service == row.service) {
        format!("=SUMIFS({of_variant},Bill!$B$2:$B${last},$B{number})")
    } else {
        format!("=SUMIFS({of_variant})")
    };
    Cell::Formula(formula, cost, DOLLARS)
}

const BILL: [&str; 17] = [
    "Variant",
    "Service",
    "Provider",
    "Cloud service",
    "Region",
    "SKU",
    "Meter",
    "Tier",
    "Unit",
    "Quantity",
    "Free quantity",
    "USD per unit",
    "Cost, USD",
    "Price source",
    "Prices of",
    "Read",
    "Confidence",
];

fn bill(sheet: &mut Worksheet, study: &Study) -> Result<(), XlsxError> {
    sheet.set_name("Bill")?;
    let rows: Vec<Vec<Cell>> = charges(study)
        .enumerate()
        .map(|(i, charge)| {
            let Charge {
                variant, service, line, ..
            } = charge;
            let number = i + 2;
            vec![
                text(variant),
                text(service),
                text(&line.provider),
                text(&line.cloud_service),
                text(&line.region),
                text(&line.sku),
                text(&line.meter),
                known(Some(f64::from(line.tier)), COUNT),
                text(&line.unit),
                decimal(line.quantity, EXACT),
                decimal(line.free_quantity, EXACT),
                decimal(line.unit_price_usd, EXACT),
                Cell::Formula(
                    format!("=J{number}*L{number}"),
                    line.cost_usd.to_f64().unwrap_or(f64::NAN),
                    "#,##0.000000",
                ),
                text(&line.price_source),
                text(&line.price_date.to_string()),
                text(&line.price_as_of.map(|read| read.to_string()).unwrap_or_default()),
                text(&line.confidence.to_string()),
            ]
        })
        .collect();
    fill(sheet, &BILL, &rows)?;
    if rows.is_empty() {
        return Ok(());
    }
    let columns: Vec<TableColumn> = BILL.iter().map(|name| TableColumn::new().set_header(*name)).collect();
    let table = Table::new().set_name("Bill_lines").set_columns(&columns);
    sheet.add_table(0, 0, rows.len() as u32, BILL.len() as u16 - 1, &table)?;
    Ok(())
}

/// Instances and the 99th percentile of latency over time, a column of each for each variant, with a chart of either.
fn timeline(sheet: &mut Worksheet, study: &Study) -> Result<(), XlsxError> {
    sheet.set_name("Timeline")?;
    let variants: Vec<_> = study
        .variants
        .iter()
        .filter_map(|variant| Some((variant.name(), &variant.timelines.first()?.1)))
        .collect();
    let longest = variants.iter().map(|(_, bins)| bins.len()).max().unwrap_or(0);
    let mut header = vec!["Hours since the start".to_string()];
    header.extend(variants.iter().map(|(name, _)| format!("{name}: instances")));
    header.extend(variants.iter().map(|(name, _)| format!("{name}: latency p99, ms")));
    let hours = |i: usize| variants.iter().find_map(|(_, bins)| Some(bins.get(i)?.t_s / 3600.0));
    let rows: Vec<Vec<Cell>> = (0..longest)
        .map(|i| {
            let mut cells = vec![known(hours(i), "0.00")];
            let instances = variants.iter().map(|(_, bins)| bins.get(i).map(|bin| bin.instances));
            cells.extend(instances.map(|instances| known(instances, AMOUNT)));
            let latencies = variants
                .iter()
                .map(|(_, bins)| bins.get(i).and_then(|bin| bin.latency_p99_ms));
            cells.extend(latencies.map(|latency| known(latency, MILLISECONDS)));
            cells
        })
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    fill(sheet, &header, &rows)?;
    if rows.is_empty() {
        return Ok(());
    }
    let count = variants.len() as u16;
    let end = rows.len() as u32;
    for (place, (title, axis, first)) in [("Instances", "instances, mean", 1), ("Latency", "p99, ms", 1 + count)]
        .into_iter()
        .enumerate()
    {
        let mut chart = Chart::new(ChartType::ScatterStraight);
        for i in 0..count {
            let column = first + i;
            chart
                .add_series()
                .set_name(("Timeline", 0, column))
                .set_categories(("Timeline", 1, 0, end, 0))
                .set_values(("Timeline", 1, column, end, column));
        }
        chart.title().set_name(title);
        chart.x_axis().set_name("hours since the start");
        chart.y_axis().set_name(axis);
        chart.set_width(760).set_height(380);
        sheet.insert_chart(1 + 20 * place as u32, 2 * count + 2, &chart)?;
    }
    Ok(())
}

fn assumptions(sheet: &mut Worksheet, study: &Study, manifest: &Manifest) -> Result<(), XlsxError> {
    sheet.set_name("Assumptions")?;
    let mut rows = vec![
        vec![text("coldcast"), text(&manifest.version)],
        vec![text("seed"), text(&manifest.seed.to_string())],
        vec![text("replications"), text(&manifest.replications.to_string())],
    ];
    for (kind, hashes) in [
        ("scenario", &manifest.scenarios),
        ("profile", &manifest.profiles),
        ("price list", &manifest.prices),
        ("trace", &manifest.traces),
    ] {
        rows.extend(
            hashes
                .iter()
                .map(|(name, hash)| vec![text(&format!("{kind} {name}")), text(&format!("SHA-256 {hash}"))]),
        );
    }
    let months = study
        .variants
        .iter()
        .filter_map(|variant| Some(variant.billing.as_ref()?.month));
    if let Some(month) = months.into_iter().next() {
        rows.push(vec![text("hours in a month"), decimal(month.hours(), EXACT)]);
    }
    rows.push(vec![
        text("numbers"),
        text("means over replications; low and high are the 95% interval of the mean; blank is unknown"),
    ]);
    rows.extend(manifest.supported().map(|line| vec![text("assumption"), text(&line)]));
    fill(sheet, &["What", "Value"], &rows)?;
    sheet.set_column_width(1, 120.0)?;
    Ok(())
}
