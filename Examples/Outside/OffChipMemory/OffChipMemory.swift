import Chips
import Substrates

extension Part {
  /// Dynamic memory on another chip.
  static let offChipMemory: Part = "off-chip memory"
}

/// What a byte costs that comes from memory on another chip, or goes there.
enum OffChipMemory {
  static let component = ComponentLibrary.Addition(
    "offChipByte",
    Component(
      energy_J: 162.5e-12, source: "Horowitz, ISSCC 2014, 45 nm: 1.3 to 2.6 nJ for 8 bytes of DRAM, the lower end",
      mark: .known),
    events: [(.offChipMemory, .byte)])
}
