// Sizes and checksums were taken from copies of the files; an entry without a checksum had none to take it from.
extension DataCatalogue {
  /// Every data set of the specifications.
  public static let entries: [Entry] = [
    Entry(
      name: "mnist", title: "MNIST handwritten digits, 60,000 + 10,000 images of 28 × 28",
      source: "http://yann.lecun.com/exdb/mnist/",
      licence: "commonly stated as CC BY-SA 3.0",
      files: [
        File(
          "train-images-idx3-ubyte.gz", "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
          bytes: 9_912_422, sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        File(
          "train-labels-idx1-ubyte.gz", "https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
          bytes: 28881, sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        File(
          "t10k-images-idx3-ubyte.gz", "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
          bytes: 1_648_877, sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        File(
          "t10k-labels-idx1-ubyte.gz", "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
          bytes: 4542, sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
      ], copy: [], note: ""),
    Entry(
      name: "fashion-mnist", title: "Fashion-MNIST, 60,000 + 10,000 images of 28 × 28",
      source: "https://github.com/zalandoresearch/fashion-mnist",
      licence: "MIT",
      files: [
        File(
          "train-images-idx3-ubyte.gz",
          "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz", bytes: 26_421_880,
          sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        File(
          "train-labels-idx1-ubyte.gz",
          "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz", bytes: 29515,
          sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        File(
          "t10k-images-idx3-ubyte.gz",
          "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz", bytes: 4_422_102,
          sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        File(
          "t10k-labels-idx1-ubyte.gz",
          "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz", bytes: 5148,
          sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
      ], copy: [], note: ""),
    Entry(
      name: "emnist", title: "EMNIST handwritten letters and digits",
      source: "https://www.nist.gov/itl/products-and-services/emnist-dataset",
      licence: "public domain (NIST)",
      files: [
        File("gzip.zip")
      ], copy: [], note: "About 536 MB. Images are stored transposed."),
    Entry(
      name: "cora", title: "Cora citation network, 2,708 papers", source: "https://github.com/kimiyoung/planetoid",
      licence: "MIT (repository)",
      files: [
        File("cora.nodes.txt", sha256: "d9ea17651ef639e04fc15afacf86f68d1294785dba77171091b812a7e0adc951"),
        File("cora.edges.txt", sha256: "74c731c01a029b0bb24ca636ac7edb611692b3c5b866211f61c38e844211fb37"),
      ], copy: [], note: "Plain text made from the Planetoid files of the source: one line for each node and edge."),
    Entry(
      name: "mutag", title: "MUTAG, 188 molecular graphs",
      source: "https://www.chrsmrrs.com/graphkerneldatasets/MUTAG.zip",
      licence: "see source",
      files: [
        File("MUTAG.zip", "https://www.chrsmrrs.com/graphkerneldatasets/MUTAG.zip")
      ],
      copy: [
        File("MUTAG_A.txt", bytes: 76940, sha256: "b4b169d1babec80138867a414c98a13705eb736547684037033aa0b3caadf7e7"),
        File(
          "MUTAG_dataset.mat", bytes: 40170, sha256: "cf7d6f1db65c7ec8dcf0f4d3b731ed0eb928f8c46335bd787c618cf69558cad3"),
        File(
          "MUTAG_graph_indicator.txt", bytes: 11532,
          sha256: "7d520a4d6c7961c0cdeabe076d8fe27e795b6d373485c9a2b744987e560a2056"),
        File(
          "MUTAG_graph_labels.txt", bytes: 439,
          sha256: "a1518ea39ba3426bd42f57396b9c4baffe68e9adc718caeeab0119c6591a5f2c"),
        File(
          "MUTAG_node_labels.txt", bytes: 6742,
          sha256: "678f429965490e84dd27713017538c995fc05d1621beac910848b600015ee863"),
        File("folds10.txt", bytes: 814, sha256: "37d7b2bd05baf6c1719541e566df20074b84903b39e110ca3fd57dd5d0654b64"),
      ], note: ""),
    Entry(
      name: "collab", title: "COLLAB, 5,000 graphs of collaborations",
      source: "https://www.chrsmrrs.com/graphkerneldatasets/COLLAB.zip",
      licence: "see source",
      files: [
        File("COLLAB.zip", "https://www.chrsmrrs.com/graphkerneldatasets/COLLAB.zip")
      ], copy: [], note: "About 30 MB."),
    Entry(
      name: "fsdd", title: "Free Spoken Digit Dataset, 3,000 recordings",
      source: "https://github.com/Jakobovski/free-spoken-digit-dataset",
      licence: "CC BY-SA 4.0",
      files: [
        File(
          "fsdd-recordings.tar.gz", bytes: 15_557_779,
          sha256: "44da0094d75b2622892a415026c79b5124fb6c9d79a83aa12da054466ddf842d")
      ], copy: [], note: "The folder recordings/ of the source as an archive."),
    Entry(
      name: "drive", title: "DRIVE retinal vessels, 40 fundus images", source: "https://drive.grand-challenge.org/",
      licence: "own terms: research use, registration",
      files: [
        File("DRIVE.zip")
      ],
      copy: [
        File(
          "drive-gray.tar.gz", bytes: 7_706_285,
          sha256: "d98efd540f75511ab794ea6938b3950dd99e8b03379616dc02a14bb69a356c53")
      ], note: "The copy holds grey images."),
    Entry(
      name: "cifar-10", title: "CIFAR-10, 60,000 colour images of 32 × 32",
      source: "https://www.cs.toronto.edu/~kriz/cifar.html",
      licence: "see source",
      files: [
        File("cifar-10-binary.tar.gz", "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", bytes: 170_052_171)
      ], copy: [], note: ""),
    Entry(
      name: "modelnet10-voxels", title: "ModelNet10 shapes",
      source: "http://3dvision.princeton.edu/projects/2014/3DShapeNets/",
      licence: "academic research only",
      files: [
        File("ModelNet10.zip", "http://3dvision.princeton.edu/projects/2014/3DShapeNets/ModelNet10.zip")
      ],
      copy: [
        File(
          "chair.npy.gz", bytes: 1_373_742, sha256: "c076142888c6d7006d1b6b0efe002b9850c3ddc5413b43d8d23cabfb6fba6145"),
        File(
          "monitor.npy.gz", bytes: 516322, sha256: "f22184f8ad3ae8844a9dbe801dead44ed1eb17bf089374f67a28bd04f58369a5"),
      ], note: "The copy holds two classes as voxels."),
    Entry(
      name: "modelnet40", title: "ModelNet40 shapes", source: "http://modelnet.cs.princeton.edu/",
      licence: "academic research only",
      files: [
        File("ModelNet40.zip", "http://modelnet.cs.princeton.edu/ModelNet40.zip")
      ], copy: [], note: ""),
    Entry(
      name: "n-mnist", title: "N-MNIST, handwritten digits as events",
      source: "https://www.garrickorchard.com/datasets/n-mnist",
      licence: "CC BY-SA 4.0",
      files: [
        File("Train.zip"),
        File("Test.zip"),
      ], copy: [], note: ""),
    Entry(
      name: "n-caltech101", title: "N-Caltech101, photographs as events",
      source: "https://www.garrickorchard.com/datasets/n-caltech101",
      licence: "see source",
      files: [
        File("Caltech101.zip")
      ], copy: [], note: ""),
    Entry(
      name: "n-tidigits", title: "N-TIDIGITS18, spoken digits as events",
      source: "https://docs.google.com/document/d/1Uxe7GsKKXcy6SlDUX4hoJVAC0-UkH-8kr5UXp0Ndi1M",
      licence: "see source",
      files: [
        File("n-tidigits.hdf5")
      ], copy: [], note: ""),
    Entry(
      name: "shd", title: "Spiking Heidelberg Digits", source: "https://zenkelab.org/datasets/",
      licence: "CC BY 4.0",
      files: [
        File("shd_train.h5.gz", "https://zenkelab.org/datasets/shd_train.h5.gz"),
        File("shd_test.h5.gz", "https://zenkelab.org/datasets/shd_test.h5.gz"),
      ], copy: [], note: ""),
    Entry(
      name: "dvs128-gesture", title: "DVS128 Gesture, hand movements as events",
      source: "https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8",
      licence: "see source",
      files: [
        File("DvsGesture.tar.gz")
      ], copy: [], note: ""),
    Entry(
      name: "braille", title: "Braille letters read by a tactile sensor", source: "https://zenodo.org/records/7050094",
      licence: "see source",
      files: [
        File("tutorial5_braille_spiking_data.pkl.gz")
      ], copy: [], note: ""),
    Entry(
      name: "handwriting-neural", title: "Intracortical recordings of imagined handwriting",
      source: "https://doi.org/10.5061/dryad.wh70rxwmv",
      licence: "CC0 (Dryad)",
      files: [
        File("t5.2019.05.08")
      ], copy: [], note: "The folder t5.2019.05.08 of the archive."),
    Entry(
      name: "vimeo-sample", title: "Vimeo-90K septuplets", source: "http://toflow.csail.mit.edu",
      licence: "research use",
      files: [
        File("vimeo_septuplet.zip")
      ],
      copy: [
        File("sequences"),
        File("sequences_noise"),
      ], note: "The full set is about 82 GB; the copy holds five septuplets."),
    Entry(
      name: "point-cloud-sample", title: "PU-Net test shapes and meshes", source: "https://github.com/yulequan/PU-Net",
      licence: "none stated: comparison only",
      files: [
        File("punet_test_5k"),
        File("meshes"),
      ], copy: [], note: ""),
    Entry(
      name: "pu-net", title: "PU-Net point clouds as the denoising papers use them",
      source: "https://drive.google.com/drive/folders/1--MvLnP7dsBgBZiu46H0S32Y1eBa_j6P",
      licence: "see source",
      files: [
        File("data.zip")
      ], copy: [], note: ""),
    Entry(
      name: "nerf-lego-100px", title: "NeRF-synthetic, scene lego", source: "https://www.matthewtancik.com/nerf",
      licence: "CC BY-NC 3.0 (model)",
      files: [
        File("nerf_synthetic.zip")
      ],
      copy: [
        File("train"),
        File(
          "transforms_train.json", bytes: 49536,
          sha256: "6b7b80fbbc99ed4529f3108f6a46a8dbd34093f270daf814a41df109eb19b4d1"),
      ], note: "The copy is scaled down to 100 × 100."),
    Entry(
      name: "d-nerf", title: "D-NeRF moving scenes", source: "https://github.com/albertpumarola/D-NeRF",
      licence: "see source",
      files: [
        File("data.zip")
      ], copy: [], note: ""),
    Entry(
      name: "motion-sample", title: "Motion capture of walking people", source: "http://mocap.cs.cmu.edu",
      licence: "free use, see source",
      files: [
        File("02.asf", bytes: 7268, sha256: "c9f5ff45b4437b279f58b95dacf017afd3135373096274df69436a9354d796cf"),
        File("02_01.amc", bytes: 273444, sha256: "1503c481f4726e640c77888f0c841dd3be0694684bcd32296cf53685c6fc1492"),
        File("02_02.amc", bytes: 238258, sha256: "2ece9e0c7791c5c0fef5a951eccfe7e985caeb734667b1d1ea089cfedffd8a6e"),
        File("02_03.amc", bytes: 138258, sha256: "07df256876f0941ea464083162503790a05ffa021fd6d6d5b2c22ac98127762a"),
        File(
          "AV_8Walk_Meredith_HVHA_Rep1.bvh", bytes: 605681,
          sha256: "f81412d16adb128b3ab0bf9c12dc5d847f89490bd2974b87d2c0ca604ee484a4"),
      ], copy: [], note: ""),
    Entry(
      name: "smpl-pose-sample", title: "SMPL poses of a walking person",
      source: "https://github.com/IndigoPurple/TSAMT",
      licence: "none stated: comparison only",
      files: [
        File(
          "test_pose_period.npy", bytes: 46208,
          sha256: "41f6f6c25928d209a20d990d114746e6357e861ac98a43fc6a1c5db95091d01b")
      ], copy: [], note: ""),
    Entry(
      name: "ct-volumes", title: "Two small CT head volumes", source: "https://github.com/neurolabusc/niivue-images",
      licence: "BSD-2-Clause (repository)",
      files: [
        File(
          "CT_pitch.nii.gz", bytes: 707836, sha256: "d1e72753031498bca8facb72127d88d10de46428a6b13fd39e7fdc71c927cc9f"),
        File(
          "CT_AVM.nii.gz", bytes: 474370, sha256: "c6e678fcffb841c1c08e5d5265ba885dcc4b1effc90fa791b9a9c8e54f49c427"),
      ], copy: [], note: ""),
    Entry(
      name: "mag-pretrained", title: "Weights of the gradient-field denoiser",
      source: "https://github.com/IndigoPurple/MAG",
      licence: "MIT",
      files: [
        File(
          "golden_patch_feature.npy", bytes: 240128,
          sha256: "ff5a7f43ba5bf0106e7140e4f7d222b81a16e067eda3b62baaf3d8d0c36ded7d"),
        File(
          "golden_patch_input.npy", bytes: 12128,
          sha256: "1b80624149d979bc3a8dfe7c658d58ead2901ed2ea0dd569bf8802aa04e5480a"),
        File(
          "golden_patch_knn4.npy", bytes: 16128,
          sha256: "6d41800c80b3e968c37952f158615c8956b8ee06382d5b09fc35a6fd5e0b362f"),
        File(
          "golden_patch_score.npy", bytes: 48128,
          sha256: "e98155701e563ccda14d07457fb14f293c5e47498ec239e980179b580b05fff8"),
        File(
          "golden_patch_step1.npy", bytes: 12128,
          sha256: "2c1678546d6205c0744be3183c4e9f18924f31b4df015307f054f7493661e739"),
        File(
          "mag_score_denoise.npz", bytes: 790076,
          sha256: "fa16bd636fc156755a3e81b00c83b36ecbb38a270e23a9764f688522be28fa4a"),
        File(
          "mag_score_denoise.safetensors", bytes: 769684,
          sha256: "4527d87ed6f737917da968deb3b4f5c9b53c137c823447eb43a6bedc7ef479d6"),
        File("tensors.txt", bytes: 4683, sha256: "fb6cd4403f0afe0a4699df1beeb65dbfb3eb47f9e66395ed51dd39fbb367487a"),
      ], copy: [], note: ""),
    Entry(
      name: "yflash-measured", title: "Measured Y-Flash memristors",
      source: "https://github.com/wangweifcc/memristive_dbn_yflash",
      licence: "CC BY-NC-SA 4.0",
      files: [
        File(
          "data_cycle2cycle.txt", bytes: 638454,
          sha256: "94e78dda7de547d1333886abba345cd1726593ac8ffb7ec8e5bdc92b9e10025a"),
        File(
          "data_device2device_prog_erase.txt", bytes: 77190,
          sha256: "507db9d495544b6c09ce57438a9807c925188d57805f4ac12de24e7f55bab821"),
      ], copy: [], note: "For validation only."),
    Entry(
      name: "macro40nm-conductance", title: "Measured cells of a 40 nm resistive memory",
      source: "https://github.com/wangsc1912/ESGNN",
      licence: "MIT",
      files: [
        File(
          "breakdown_400.csv", bytes: 2800, sha256: "2e6a6df974bccb370cbb7faace239a397c0240c6a61cbfd972ce35a02e6b7ee3"),
        File(
          "random_hidden_50x50_uS.csv", bytes: 23676,
          sha256: "e693e739fded270740a6b2273aecb12c7f5d80a48fd0669914391233172ebf2d"),
        File(
          "random_input_50x8_uS.csv", bytes: 3830,
          sha256: "f1219054677c8a2a511b29191ea5b343b8ad464a7f8b613ca29d243481065914"),
      ], copy: [], note: ""),
  ]
}
