import KirchhoffCommand

await Kirchhoff.start(
  devices: [TunnelGap.self], mappings: [ParallelPairs.self], components: [OffChipMemory.component],
  systems: [Hopfield.self])
