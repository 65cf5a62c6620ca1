// docs/charts.md shows exactly the part between the rules.
// ---
import Reports
import Tensors

/// What an oscillator on arrays does beside the exact one.
func oscillator(exact: [[Double]], arrays: [[Double]], fields: [Tensor<Float>], into report: inout Report) throws {
  let (voltage, rate) = (Chart.Axis("voltage", unit: "V"), Chart.Axis("rate", unit: "V/s"))
  report.phasePortrait(
    "Oscillator", x: voltage, y: rate, [("exact", exact[0], exact[1]), ("on arrays", arrays[0], arrays[1])],
    field: .init(x: -3...3, y: -3...3) { v, r in (r, (1 - v * v) * r - v) }, equalAspect: false)
  try report.maps(
    "Field at two times", x: .init("column"), y: .init("row"), [("begin", fields[0]), ("end", fields[1])],
    colour: .init("potential", unit: "V"), palette: .diverging)
  try report.animation("Field", fields.map { try ($0 + 1) * 0.5 }, secondsPerFrame: 0.2, enlarged: 8)
}
// ---
