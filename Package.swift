// swift-tools-version: 6.2
import PackageDescription

/// A published system: a folder in `Systems` with Sources, Tests and README.md, and Kernels where it has loops in C of its own.
struct PublishedSystem {
  var name: String
  var hasKernels = false
}

/// Every system. A new one is one line here and its folder.
let systems = [
  PublishedSystem(name: "DiffusionSolver"),
  PublishedSystem(name: "KoopmanAssimilation"),
  PublishedSystem(name: "MIMOOFDM", hasKernels: true),
  PublishedSystem(name: "Spirals"),
]

/// Rooms that a system may use.
let rooms: [Target.Dependency] = [
  "Studies", "Reports", "Runs", "Networks", "Dynamics", "Datasets", "Chips", "Circuits", "Devices", "Substrates",
  "Settings", "Tensors",
]

// The loops in C are the hot path; at -O0 the tests of a debug build would take many times longer.
let kernelSettings: [CSetting] = [
  .unsafeFlags(["-O3", "-fno-math-errno", "-Wall", "-Wextra", "-Wno-pass-failed"])
]
/// Kernels outside `CKernels`, which are compiled in the same way.
func kernels(_ name: String, path: String, depth: Int) -> Target {
  let up = Array(repeating: "..", count: depth).joined(separator: "/")
  return .target(
    name: name, path: path, cSettings: kernelSettings + [.headerSearchPath("\(up)/Sources/CKernels")])
}

func library(_ name: String, pkgConfig: String? = nil, packages: String...) -> Target {
  .systemLibrary(name: name, path: "Sources/Libraries/\(name)", pkgConfig: pkgConfig, providers: [.apt(packages)])
}

// Which library does Fourier transforms: FFTW is faster and under the GPL, KissFFT is under a BSD licence (docs/licences.md).
let fourierLibrary = Context.environment["KIRCHHOFF_FFT"] ?? "fftw"
guard ["fftw", "kissfft"].contains(fourierLibrary) else {
  fatalError("KIRCHHOFF_FFT is \(fourierLibrary): set it to fftw or kissfft, or leave it out")
}
let usesFFTW = fourierLibrary == "fftw"
let fourierTarget: Target =
  usesFFTW
  ? library("CFFTW", pkgConfig: "fftw3f", packages: "libfftw3-dev")
  : .target(
    name: "CKissFFT", path: "Sources/Libraries/CKissFFT",
    // No checks for infinities in each complex product.
    cxxSettings: [.unsafeFlags(["-O3", "-fcx-limited-range", "-Wall", "-Wextra"])])

let libraries: [Target] = [
  fourierTarget,
  library("COpenBLAS", pkgConfig: "openblas", packages: "libopenblas-openmp-dev", "liblapacke-dev"),
  library("COneDNN", packages: "libdnnl-dev"),
  library("CSuiteSparse", packages: "libsuitesparse-dev"),
  library("CZip", pkgConfig: "libzip", packages: "libzip-dev"),
  library("CZlib", pkgConfig: "zlib", packages: "zlib1g-dev"),
  library("CPNG", pkgConfig: "libpng", packages: "libpng-dev"),
  library("CTurboJPEG", pkgConfig: "libturbojpeg", packages: "libturbojpeg0-dev"),
  library("CHDF5", pkgConfig: "hdf5", packages: "libhdf5-dev"),
  .target(name: "CHDF5Reader", dependencies: ["CHDF5"], path: "Sources/Libraries/CHDF5Reader"),
  library("CMicroHTTPD", pkgConfig: "libmicrohttpd", packages: "libmicrohttpd-dev"),
  library("CCrypto", pkgConfig: "libcrypto", packages: "libssl-dev"),
]

let roomTargets: [Target] = [
  .target(name: "CKernels", cSettings: kernelSettings),
  .target(
    name: "Tensors",
    dependencies: ["CKernels", "COpenBLAS", "COneDNN", "CSuiteSparse", .target(name: fourierTarget.name)],
    exclude: [usesFFTW ? "Fourier/KissFFTPlan.swift" : "Fourier/FFTWPlan.swift"]),
  .target(name: "Settings", dependencies: ["Yams"]),
  .target(name: "Substrates", dependencies: ["Tensors", "CKernels"]),
  .target(
    name: "Networks",
    dependencies: [
      "Settings", "Substrates", "Tensors", "CZip", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
    ], exclude: ["ONNX/onnx.proto"]),
  kernels("DynamicsKernels", path: "Sources/Dynamics/Kernels", depth: 3),
  .target(
    name: "Dynamics", dependencies: ["Substrates", "Tensors", "CKernels", "DynamicsKernels", "COpenBLAS"],
    exclude: ["Kernels"]),
  .target(name: "Devices", dependencies: ["Tensors", "Settings", "Substrates"]),
  .target(name: "Circuits", dependencies: ["Settings", "CKernels", "Devices", "Substrates", "Tensors"]),
  .target(name: "Chips", dependencies: ["Circuits", "Devices", "Settings", "Substrates", "Tensors"]),
  .target(name: "Datasets", dependencies: ["Tensors", "CZlib", "CPNG", "CTurboJPEG", "CHDF5Reader", "CCrypto"]),
  .target(
    name: "Runs",
    dependencies: ["Settings", "Chips", "Datasets", "Tensors", .product(name: "GRDB", package: "GRDB.swift"), "Yams"]),
  .target(
    name: "Reports",
    dependencies: [
      "Runs", "Settings", "Chips", "Circuits", "Substrates", "Datasets", "Tensors",
      .product(name: "Mustache", package: "swift-mustache"),
    ], resources: [.embedInCode("Report/page.mustache")]),
  .target(
    name: "Studies",
    dependencies: [
      "Reports", "Runs", "Networks", "Datasets", "Chips", "Circuits", "Substrates", "Settings", "Tensors",
    ], exclude: ["Deployment/README.md"]),
]

let systemTargets: [Target] = systems.flatMap { system -> [Target] in
  let folder = "Systems/\(system.name)"
  let own: [Target.Dependency] = system.hasKernels ? [.target(name: "\(system.name)Kernels")] : []
  return (system.hasKernels ? [kernels("\(system.name)Kernels", path: "\(folder)/Kernels", depth: 3)] : []) + [
    .target(name: system.name, dependencies: rooms + own, path: "\(folder)/Sources"),
    .testTarget(
      name: "\(system.name)Tests", dependencies: rooms + [.target(name: system.name)],
      path: "\(folder)/Tests"),
  ]
}

let programTargets: [Target] = [
  .plugin(name: "ListSystems", capability: .buildTool()),
  .target(
    name: "AllSystems", dependencies: ["Reports", "Studies"] + systems.map { .target(name: $0.name) },
    plugins: ["ListSystems"]),
  .target(
    name: "KirchhoffCommand",
    dependencies: [
      "AllSystems", "Studies", "Reports", "Runs", "Settings", "Chips", "Circuits", "Datasets", "Devices", "Tensors",
      "CMicroHTTPD",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ], resources: [.embedInCode("Serve/page.html")]),
  .executableTarget(name: "kirchhoff", dependencies: ["KirchhoffCommand"]),
]

let testTargets: [Target] = [
  .testTarget(name: "TensorsTests", dependencies: ["Networks", "Tensors", "CKernels"]),
  .testTarget(name: "SettingsTests", dependencies: ["Settings"]),
  .testTarget(name: "SubstratesTests", dependencies: ["Substrates", "Tensors"]),
  .testTarget(name: "NetworksTests", dependencies: ["Networks", "Settings", "Substrates", "CKernels"]),
  .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Networks", "CZlib"]),
  .testTarget(name: "DynamicsTests", dependencies: ["Dynamics", "Networks", "Substrates", "Tensors"]),
  .testTarget(name: "DevicesTests", dependencies: ["Devices", "Settings", "Substrates", "Tensors"]),
  .testTarget(
    name: "CircuitsTests", dependencies: ["Chips", "Circuits", "Devices", "Networks", "Settings", "Substrates"]),
  .testTarget(name: "ChipsTests", dependencies: ["Chips", "Circuits", "Devices", "Settings", "Substrates"]),
  .target(name: "TestSupport", dependencies: ["Reports", "Runs", "Settings"], path: "Tests/TestSupport"),
  .testTarget(
    name: "RunsTests",
    dependencies: [
      "Runs", "Reports", "Chips", "Settings", "TestSupport", .product(name: "GRDB", package: "GRDB.swift"),
    ]),
  .testTarget(
    name: "ReportsTests", dependencies: ["Reports", "Runs", "Chips", "Datasets", "Settings", "Tensors", "TestSupport"]),
  .testTarget(name: "StudiesTests", dependencies: rooms),
  .testTarget(
    name: "AllSystemsTests",
    dependencies: ["AllSystems", "Reports", "Runs", "Chips", "Settings", "Tensors"]),
  // What users write, compiled here so that it keeps compiling; `make outside` builds it as they do.
  .testTarget(
    name: "OutsideTests", dependencies: rooms, path: "Examples/Outside", exclude: ["Package.swift", "main.swift"]),
  .testTarget(
    name: "KirchhoffTests",
    dependencies: ["kirchhoff", "Networks", "Reports", "Runs", "Settings"]),
]

let package = Package(
  name: "kirchhoff",
  products: [
    .library(
      name: "Kirchhoff",
      targets: [
        "Tensors", "Settings", "Networks", "Dynamics", "Datasets", "Substrates", "Devices", "Circuits", "Chips", "Runs",
        "Reports", "Studies", "AllSystems", "KirchhoffCommand",
      ] + systems.map(\.name)),
    .executable(name: "kirchhoff", targets: ["kirchhoff"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: libraries + roomTargets + systemTargets + programTargets + testTargets,
  swiftLanguageModes: [.v6]
)
