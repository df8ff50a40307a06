// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// MARK: - Settings

let swiftSettings: [SwiftSetting] = [
  .strictMemorySafety(),
  // Span-returning properties; promised two releases' notice before it changes.
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let cSettings: [CSetting] = [
  .define("NDEBUG", .when(configuration: .release)),
  // The kernels are the numeric hot path of every test: never run them at -O0.
  .unsafeFlags(["-O2"], .when(configuration: .debug)),
]

/// What computes is optimized in debug builds, too: tests take a third of the time then, and so do
/// debug builds of programs that train. Overflow and bounds stay checked.
let optimized: [SwiftSetting] = [
  .unsafeFlags(
    ["-O", "-whole-module-optimization", "-num-threads", "2"], .when(configuration: .debug))
]

func module(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, resources: resources,
    swiftSettings: swiftSettings + optimized)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

func benchmark(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: "Benchmarks/\(name)",
    swiftSettings: swiftSettings)
}

/// Only documentation builds resolve the plugin: `make docs`.
let documentation: [Package.Dependency] =
  Context.environment["HALFSPACE_DOCS"] == nil
  ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

func example(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["Halfspace"], path: "Sources/Examples/\(name)",
    swiftSettings: swiftSettings)
}

// MARK: - Package

let package = Package(
  name: "halfspace",
  products: [
    .library(name: "Halfspace", targets: ["Halfspace"]),
    .library(name: "HalfspaceMPI", targets: ["HalfspaceMPI"]),
    .library(name: "HalfspaceC", type: .dynamic, targets: ["HalfspaceC", "CHalfspaceModel"]),
    .executable(name: "halfspace", targets: ["HalfspaceCLI"]),
  ],
  traits: [
    .trait(
      name: "MPI",
      description: "Train one network in several processes, over Open MPI (libopenmpi-dev).")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // HTTP for `halfspace serve`: small, without dependencies of its own.
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
  ] + documentation,
  targets: [
    // MARK: C: OpenBLAS, LAPACKE, SIMD kernels, zlib
    .target(
      name: "CHalfspace", path: "CSupport", sources: ["src"], publicHeadersPath: "include",
      cSettings: cSettings,
      linkerSettings: [
        .linkedLibrary("openblas"), .linkedLibrary("lapacke"), .linkedLibrary("m"),
        .linkedLibrary("z"),
      ]),

    // MARK: Public API, each module imports only those above it
    module("HalfspaceLinalg", ["CHalfspace"]),
    module("HalfspaceReporting", ["CHalfspace", "HalfspaceLinalg"]),
    module("HalfspaceNN", ["CHalfspace", "HalfspaceLinalg", "HalfspaceReporting"]),
    module(
      "HalfspaceIO", ["CHalfspace", "HalfspaceLinalg", "HalfspaceReporting", "HalfspaceNN"],
      resources: [.copy("Resources/digits.csv"), .copy("Resources/digits-LICENSE.md")]),
    module(
      "HalfspaceTheory", ["CHalfspace", "HalfspaceLinalg", "HalfspaceReporting", "HalfspaceNN"]),
    module(
      "Halfspace",
      ["HalfspaceLinalg", "HalfspaceReporting", "HalfspaceNN", "HalfspaceIO", "HalfspaceTheory"]),

    // MARK: Models for C: a header, and its functions in Swift
    .target(name: "CHalfspaceModel"),
    module("HalfspaceC", ["Halfspace"]),

    // MARK: Several processes, with the trait MPI; without it the same functions run in one
    .systemLibrary(
      name: "COpenMPI", pkgConfig: "mpi-c", providers: [.apt(["libopenmpi-dev"])]),
    .target(
      name: "CHalfspaceMPI",
      dependencies: [.target(name: "COpenMPI", condition: .when(traits: ["MPI"]))],
      cSettings: cSettings + [.define("WITH_MPI", .when(traits: ["MPI"]))]),
    module("HalfspaceMPI", ["CHalfspaceMPI", "HalfspaceLinalg"]),

    // MARK: Executables and what they share
    module("_HalfspaceReport", []),
    .executableTarget(
      name: "HalfspaceCLI",
      dependencies: [
        "Halfspace", "HalfspaceMPI", "_HalfspaceReport", argumentParser,
        .product(name: "FlyingFox", package: "FlyingFox"),
        .product(name: "FlyingSocks", package: "FlyingFox"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "CMachineLimits", path: "Benchmarks/MachineLimits", publicHeadersPath: "include",
      cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
    benchmark(
      "NeuronLookup",
      ["CHalfspace", "Halfspace", "CMachineLimits", "_HalfspaceBenchmark", "_HalfspaceReport"]),
    benchmark("ReaderFuzz", ["Halfspace", "_HalfspaceReport", "_HalfspaceTestSupport"]),
    benchmark("GridGrowth", ["Halfspace", "_HalfspaceReport"]),
    benchmark("GridError", ["CHalfspace", "Halfspace", "_HalfspaceReport"]),
    .target(
      name: "_HalfspaceBenchmark",
      dependencies: ["CMachineLimits", "Halfspace", "_HalfspaceReport"],
      path: "Benchmarks/Support", swiftSettings: swiftSettings),
    benchmark(
      "TrainingStep", ["CHalfspace", "Halfspace", "_HalfspaceBenchmark", "_HalfspaceReport"]),
    benchmark("TimeToAccuracy", ["Halfspace", "_HalfspaceBenchmark", "_HalfspaceReport"]),
    benchmark("Convergence", ["Halfspace", "_HalfspaceBenchmark", "_HalfspaceReport"]),

    // MARK: Examples
    example("ThreeLayers"),
    example("WideOutputs"),
    benchmark(
      "Scaling", ["Halfspace", "HalfspaceMPI", "_HalfspaceBenchmark", "_HalfspaceReport"]),

    // MARK: Tests
    module("_HalfspaceTestSupport", ["HalfspaceLinalg"]),
    .target(name: "CAllocationCounter", path: "Tests/AllocationCounter"),
    tests("CHalfspaceTests", ["CHalfspace", "_HalfspaceTestSupport"]),
    tests("HalfspaceLinalgTests", ["HalfspaceLinalg", "_HalfspaceTestSupport"]),
    tests("HalfspaceMPITests", ["HalfspaceMPI", "HalfspaceLinalg"]),
    tests(
      "HalfspaceReportingTests",
      ["CHalfspace", "HalfspaceReporting", "HalfspaceLinalg", "_HalfspaceTestSupport"]),
    tests(
      "HalfspaceNNTests",
      [
        "CAllocationCounter", "HalfspaceIO", "HalfspaceNN", "HalfspaceReporting", "HalfspaceLinalg",
        "_HalfspaceTestSupport",
      ]),
    tests(
      "HalfspaceIOTests",
      [
        "HalfspaceIO", "HalfspaceNN", "HalfspaceReporting", "HalfspaceLinalg",
        "_HalfspaceTestSupport",
      ]),
    tests(
      "HalfspaceTheoryTests",
      [
        "HalfspaceTheory", "HalfspaceNN", "HalfspaceReporting", "HalfspaceLinalg", "HalfspaceIO",
        "_HalfspaceTestSupport",
      ]),
    tests("HalfspaceTests", ["Halfspace", "HalfspaceMPI", "_HalfspaceTestSupport"]),
    tests("HalfspaceCTests", ["HalfspaceC", "CHalfspaceModel", "Halfspace"]),
    tests("HalfspaceReportTests", ["_HalfspaceReport"]),
    tests("HalfspaceCLITests", ["HalfspaceCLI", "Halfspace", "ThreeLayers", "WideOutputs"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu11
)
