import Settings
import Testing

@Suite("Quantities") struct QuantityTests {
  @Test(
    "numbers have prefixed units and as many digits as their uncertainty allows",
    arguments: [
      (14.31e-9, "J", 0, "14.31 nJ"), (4.67e-6, "s", 0, "4.67 µs"), (0.98391, "fraction", 0.00021, "0.98391 ± 0.00021"),
      (0.98391, "fraction", 0.0005, "0.9839 ± 0.0005"), (41.83e-9, "J", 0.31e-9, "41.83 ± 0.31 nJ"),
      (41.83e-9, "J", 0.5e-9, "41.8 ± 0.5 nJ"), (1234.5, "", 96, "1230 ± 100"),
      (2.3935e-6, "fraction", 0, "2.394·10⁻⁶"),
      (2.3935e-6, "fraction", 4e-7, "(2.4 ± 0.4)·10⁻⁶"), (1000, "s", 0, "1 ks"), (999.96, "s", 0, "1000 s"),
      (0, "J", 0, "0 J"), (-3e-3, "V", 0, "−3 mV"), (12, "mm²", 0, "12 mm²"), (7, "", 0, "7"),
      (1e-25, "J", 0, "1·10⁻⁷ aJ"),
      (2e6, "", 0, "2·10⁶"), (0.5, "nat", 0, "0.5 nat"), (100e3, "Hz", 0, "100 kHz"),
    ] as [(Double, String, Double, String)])
  func reads(value: Double, unit: String, uncertainty: Double, text: String) {
    #expect(Quantity.text(value, unit: unit, uncertainty: uncertainty) == text)
  }

  @Test("numbers that are none are said to be so")
  func notFinite() {
    #expect(Quantity.text(.nan, unit: "J") == "undefined J")
    #expect(Quantity.text(-.infinity) == "−∞")
    #expect(Quantity.text(-1e-20, unit: "", uncertainty: 1) == "0.0 ± 1.0")
  }
}
