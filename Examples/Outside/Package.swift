// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "outside",
  dependencies: [
    // A released version is .package(url: "https://…/kirchhoff", from: "1.0.0"), with the address that you have it from.
    .package(name: "kirchhoff", path: "../..")
  ],
  targets: [
    .executableTarget(
      name: "outside", dependencies: [.product(name: "Kirchhoff", package: "kirchhoff")], path: ".",
      exclude: ["Tests"])
  ],
  swiftLanguageModes: [.v6]
)
