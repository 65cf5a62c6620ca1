// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "kirchhoff-benchmarks",
  dependencies: [.package(name: "kirchhoff", path: "..")],
  targets: [.executableTarget(name: "Bench", dependencies: [.product(name: "Kirchhoff", package: "kirchhoff")])],
  swiftLanguageModes: [.v6]
)
