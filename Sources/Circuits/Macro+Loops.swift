import Devices

extension Macro {
  /// The one difference of currents that a weight of a closed loop is.
  ///
  /// - Throws: `CircuitError.unsupported` for mappings whose readings are added in logic.
  func loopReading() throws(CircuitError) -> MappedReading {
    let mapping = mapping.mapping
    guard mapping.readings.count == 1, !mapping.hasSharedColumns, mapping.readings[0].factor == 1 else {
      throw .unsupported(
        "closing a loop around the mapping `\(type(of: mapping).kind)`, whose readings are added in logic,",
        remedy: "choose mapping.kind differential")
    }
    return mapping.readings[0]
  }

  /// - Throws: `CircuitError.unsupported` where no loop can be closed around such cells.
  func checkLoop(of device: any DeviceModel) throws(CircuitError) {
    guard device.domain != .light else {
      throw .unsupported("closing a loop with light", remedy: "choose a device that takes voltages")
    }
    _ = try loopReading()
  }
}
