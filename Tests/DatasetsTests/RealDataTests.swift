import Datasets
import Foundation
import Networks
import Tensors
import Testing

/// Real data, from the folder named by KIRCHHOFF_DATA; nothing of it is part of the project.
private let folder = ProcessInfo.processInfo.environment["KIRCHHOFF_DATA"].flatMap { $0.isEmpty ? nil : $0 }

private func has(_ name: String) -> Bool {
  folder.map { FileManager.default.fileExists(atPath: "\($0)/\(name)") } ?? false
}

@Suite("Real data") struct RealDataTests {
  private func path(_ name: String) throws -> String { "\(try #require(folder))/\(name)" }

  @Test(
    "MNIST has its published counts, mean and deviation",
    .enabled(if: has("mnist"), "set KIRCHHOFF_DATA to a folder with mnist/"))
  func mnist() throws {
    let images = try IDX.readImages(path("mnist/train-images-idx3-ubyte.gz"))
    let labels = try IDX.readBytes(path("mnist/train-labels-idx1-ubyte.gz"))
    #expect(images.shape == [60_000, 1, 28, 28])
    // The mean 0.1307 and deviation 0.3081 with which everyone normalises this set, to their four digits.
    #expect((try images.mean().item() - 0.1307).magnitude < 5e-5)
    #expect((try images.variance().squareRoot().item() - 0.3081).magnitude < 5e-5)
    // Samples of each digit, from the paper's page.
    let counts = labels.elements.reduce(into: [Int](repeating: 0, count: 10)) { $0[Int($1)] += 1 }
    #expect(counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
  }

  // LeCun et al. (1998) report 95.3 % for two layers with 300 hidden units, after many passes; three passes of Adam over
  // 784-128-10 reach about 97 %.
  @Test(
    "a small network reaches the accuracy that such networks have on MNIST",
    .enabled(if: has("mnist"), "set KIRCHHOFF_DATA to a folder with mnist/"))
  func trainsOnMNIST() throws {
    func load(_ part: String) throws -> (Tensor<Float>, Tensor<Int32>) {
      (
        try IDX.readImages(path("mnist/\(part)-images-idx3-ubyte.gz")).reshaped([nil, 784]),
        try IDX.readBytes(path("mnist/\(part)-labels-idx1-ubyte.gz"))
      )
    }
    let (images, labels) = try load("train")
    let (testImages, testLabels) = try load("t10k")
    var random = RandomStream(seed: 1)
    var model = Sequential(try Dense(784, 128, activation: .relu, using: &random), try Dense(128, 10, using: &random))
    var settings = TrainingSettings()
    settings.epochs = 3
    var trainer = Trainer(settings, optimiser: Adam())
    _ = try trainer.fit(
      &model, samples: 60_000,
      loss: { try crossEntropy($0.forward(images.selecting($1), in: &$2), labels.selecting($1)) })
    #expect(try accuracy(model(testImages), testLabels) > 0.965)
  }

  @Test(
    "Cora has its published papers, citations, words and split",
    .enabled(if: has("cora"), "set KIRCHHOFF_DATA to a folder with cora/"))
  func cora() throws {
    let network = try CitationNetwork(nodes: path("cora/cora.nodes.txt"), edges: path("cora/cora.edges.txt"))
    #expect(network.graph.nodeCount == 2708)
    #expect(network.graph.edges.count == 2 * 5278)
    #expect(network.features.columns == 1433 && network.features.storedCount == 49_216)
    let counts = network.graph.nodeLabels.reduce(into: [Int](repeating: 0, count: 7)) { $0[$1] += 1 }
    #expect(counts == [351, 217, 418, 818, 426, 298, 180])
    // Twenty labelled papers for each of seven classes.
    #expect(network.split["train"]?.count == 140)
    #expect(try network.graph.adjacency().storedCount == 2 * 5278)
  }

  @Test(
    "MUTAG has its published graphs, atoms, bonds and labels",
    .enabled(if: has("mutag"), "set KIRCHHOFF_DATA to a folder with mutag/"))
  func mutag() throws {
    let graphs = try Graph.readMany(folder: path("mutag"), name: "MUTAG")
    #expect(graphs.count == 188)
    #expect(graphs.reduce(0) { $0 + $1.nodeCount } == 3371)
    #expect(graphs.reduce(0) { $0 + $1.edges.count } == 7442)
    #expect(graphs.count { $0.label == 1 } == 125)
    #expect(Set(graphs.flatMap(\.nodeLabels)) == Set(0..<7))
  }

  @Test(
    "head scans have their published extents",
    .enabled(if: has("ct-volumes"), "set KIRCHHOFF_DATA to a folder with ct-volumes/"))
  func scans() throws {
    let scan = try NIfTI(contentsOf: path("ct-volumes/CT_pitch.nii.gz"))
    #expect(scan.volume.shape == [58, 248, 175])
    #expect(zip(scan.spacing, [0.8125, 0.8125, 2.397]).allSatisfy { ($0 - $1).magnitude < 1e-3 })
    #expect(try scan.volume.min().item() == 0 && scan.volume.max().item() <= 255)
  }

  @Test(
    "meshes and clouds have points, and unit normals where they have any",
    .enabled(if: has("point-cloud-sample"), "set KIRCHHOFF_DATA to a folder with point-cloud-sample/"))
  func clouds() throws {
    let clouds = try FileManager.default.contentsOfDirectory(atPath: path("point-cloud-sample/punet_test_5k"))
    for name in clouds where name.hasSuffix(".xyz") {
      let cloud = try PointCloud(xyz: path("point-cloud-sample/punet_test_5k/\(name)"))
      #expect(cloud.points.shape == [5000, 3])
      let lengths = try #require(cloud.normals).squared().sum(axes: [1])
      // Six digits in the file.
      #expect(try (lengths - 1).magnitude().max().item() < 1e-3, "\(name)")
    }
    let ball = try PointCloud(off: path("point-cloud-sample/meshes/Icosahedron.off"))
    // Euler: points − edges + faces = 2, and a triangle mesh has three halves as many edges as faces.
    #expect(ball.points.shape[0] - ball.faces.count * 3 / 2 + ball.faces.count == 2)
    #expect(try PointCloud(obj: path("point-cloud-sample/meshes/spot.obj")).faces.count > 1000)
  }

  @Test(
    "data sets that are here have the checksums of the catalogue",
    .enabled(if: has("mnist"), "set KIRCHHOFF_DATA to a folder with mnist/"))
  func checksums() throws {
    for name in ["mnist", "mutag", "motion-sample"] where has(name) {
      for check in DataCatalogue.check(try DataCatalogue.entry(name), in: try #require(folder)) {
        #expect(check.outcome == .right, "\(name)/\(check.path)")
      }
    }
  }

  @Test(
    "recorded motion has its joints, frames and rate",
    .enabled(if: has("motion-sample"), "set KIRCHHOFF_DATA to a folder with motion-sample/"))
  func motion() throws {
    let bvh = try Motion(bvh: path("motion-sample/AV_8Walk_Meredith_HVHA_Rep1.bvh"))
    #expect(bvh.frames.shape[0] == 1064)
    #expect((try #require(bvh.frameTime) - 0.008333).magnitude < 1e-6)
    let cmu = try Motion(asf: path("motion-sample/02.asf"), amc: path("motion-sample/02_01.amc"))
    // The skeleton of the CMU database: a root, 30 bones, 62 degrees of freedom.
    #expect(cmu.joints.count == 31)
    #expect(cmu.frames.shape[1] == 62)
  }

  @Test(
    "video frames are read in colour, clean and noisy",
    .enabled(if: has("vimeo-sample"), "set KIRCHHOFF_DATA to a folder with vimeo-sample/"))
  func frames() throws {
    let clean = try Image.read(path("vimeo-sample/sequences/00001/0451/im4.png"))
    #expect(clean.shape == [3, 256, 448])
    let noisy = try Image.read(path("vimeo-sample/sequences_noise/00001/0451/im4.png"))
    let error = try (noisy - clean).squared().mean().item()
    // SOURCE.txt gives 18.9 dB for this pair, to a tenth.
    #expect((-10 * log10(error) - 18.9).magnitude < 0.1)
  }
}
