import Circuits
import Devices

/// A kind of hardware by name: its device, its arrays with their converters and loops, and what its parts cost.
public struct Platform: Sendable {
  public var device: DeviceChoice
  public var macro: Macro
  public var components: ComponentLibrary

  public init(
    device: any DeviceModel = RRAM(), macro: Macro = Macro(), components: ComponentLibrary = ComponentLibrary()
  ) {
    (self.device, self.macro, self.components) = (DeviceChoice(device), macro, components)
  }

  /// Arrays of 128 × 128 cells, 1–100 µS in 64 levels, 1 % of the window left by writing, 0.5 % read noise, 8-bit converters: the
  /// assumptions (A) of the specification of MIMO-OFDM baseband processing, and the default.
  public static var standard: Platform { Platform() }

  /// The 1T1R bench of the diffusion solver and the digital twin: 32 × 32 cells, 20–100 µS in 64 levels, 5 % write error of each
  /// conductance, 2 % read noise (K, low confidence). Without the neurons' clamp and stuck cells of their specifications.
  public static var bench: Platform {
    var cell = RRAM()
    (cell.lowest_S, cell.highest_S) = (20e-6, 100e-6)
    (cell.writeResidue, cell.relativeResidue, cell.readNoise) = (0, 0.05, 0.02)
    var macro = Macro()
    (macro.rows, macro.columns) = (32, 32)
    macro.loop.clamp = 0
    return Platform(device: cell, macro: macro)
  }

  /// Pairs of 128 × 128 cells written to a continuum of conductances with an error of 2 % of each, 1 % read noise: assumptions (A)
  /// of the specification of the conditional-Gaussian Koopman network.
  public static var continuum: Platform {
    var cell = RRAM()
    (cell.levels, cell.writeResidue, cell.relativeResidue, cell.readNoise) = (0, 0, 0.02, 0.01)
    var macro = Macro()
    macro.columns = 256
    return Platform(device: cell, macro: macro)
  }
}
