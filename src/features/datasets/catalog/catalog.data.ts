/** One dataset the platform knows about; `file` is its CSV in this folder, or null when it is known but not shipped. */
export interface BuiltinDataset {
  id: string;
  name: string;
  description: string;
  /** Rows of the shipped file; for the others, training and test examples together. */
  num_samples: number;
  /** Input columns without the target; pixels or audio samples for media; 0 for raw text. */
  num_features: number;
  /** Distinct target values; 0 for regression. */
  num_classes: number;
  data_type: "tabular" | "image" | "text" | "audio";
  task_type: "classification" | "regression";
  target: string;
  license: string;
  citation: string;
  source_url: string;
  file: string | null;
}

/** The built-in datasets: five that ship as CSV beside this file, and eight that are described only. */
export const BUILTIN_DATASETS = [
  {
    id: "iris",
    name: "Iris",
    description:
      "Sepal and petal measurements in centimetres of 150 iris flowers, 50 of each of three species. " +
      "The values are those of Fisher's paper: the two rows (35 and 38) that are wrong in the UCI copy are right here.",
    num_samples: 150,
    num_features: 4,
    num_classes: 3,
    data_type: "tabular",
    task_type: "classification",
    target: "species",
    license: "CC BY 4.0",
    citation:
      "Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems. Annals of Eugenics 7(2), 179-188.",
    source_url: "https://archive.ics.uci.edu/dataset/53/iris",
    file: "iris.csv",
  },
  {
    id: "penguins",
    name: "Palmer Penguins",
    description:
      "Size, sex, island and year of 344 penguins of three species near Palmer Station, Antarctica. " +
      "Has two categorical inputs (island, sex) and 19 missing values in 11 rows (empty cells).",
    num_samples: 344,
    num_features: 7,
    num_classes: 3,
    data_type: "tabular",
    task_type: "classification",
    target: "species",
    license: "CC0 1.0",
    citation:
      "Gorman, K. B., Williams, T. D., Fraser, W. R. (2014). Ecological sexual dimorphism and environmental variability " +
      "within a community of Antarctic penguins (genus Pygoscelis). PLoS ONE 9(3), e90081.",
    source_url: "https://allisonhorst.github.io/palmerpenguins/",
    file: "penguins.csv",
  },
  {
    id: "wine-quality",
    name: "Wine Quality",
    description:
      "Eleven laboratory measurements of Portuguese vinho verde and the median grade of at least three tasters. " +
      "The first 1,599 rows are red wines, the other 4,898 white. Grades run from 3 to 9, so seven of the eleven " +
      "possible grades occur, and very unevenly: five wines have a 9. 1,179 rows repeat another row, so a random split " +
      "shows some test rows in training and flatters the result.",
    num_samples: 6497,
    num_features: 11,
    num_classes: 7,
    data_type: "tabular",
    task_type: "classification",
    target: "quality",
    license: "CC BY 4.0",
    citation:
      "Cortez, P., Cerdeira, A., Almeida, F., Matos, T., Reis, J. (2009). Modeling wine preferences by data mining from " +
      "physicochemical properties. Decision Support Systems 47(4), 547-553.",
    source_url: "https://archive.ics.uci.edu/dataset/186/wine+quality",
    file: "wine-quality.csv",
  },
  {
    id: "breast-cancer",
    name: "Breast Cancer Wisconsin (Diagnostic)",
    description:
      "Mean, standard error and worst value of ten properties of cell nuclei in images of 569 fine needle aspirates: " +
      "212 malignant, 357 benign.",
    num_samples: 569,
    num_features: 30,
    num_classes: 2,
    data_type: "tabular",
    task_type: "classification",
    target: "diagnosis",
    license: "CC BY 4.0",
    citation:
      "Wolberg, W., Mangasarian, O., Street, N., Street, W. (1993). Breast Cancer Wisconsin (Diagnostic). " +
      "UCI Machine Learning Repository. https://doi.org/10.24432/C5DW2B",
    source_url: "https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
    file: "breast-cancer.csv",
  },
  {
    id: "digits",
    name: "Optical Recognition of Handwritten Digits",
    description:
      "1,797 handwritten digits as 8x8 grey images (p0 to p63 row by row, 0 to 16): the writer-independent test part " +
      "of the UCI dataset, which has 5,620 digits in all.",
    num_samples: 1797,
    num_features: 64,
    num_classes: 10,
    data_type: "tabular",
    task_type: "classification",
    target: "digit",
    license: "CC BY 4.0",
    citation:
      "Alpaydin, E., Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning Repository. " +
      "https://doi.org/10.24432/C50P49",
    source_url: "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    file: "digits.csv",
  },
  {
    id: "mnist",
    name: "MNIST",
    description:
      "Handwritten digits as 28x28 grey images: 60,000 to train, 10,000 to test. Known, not shipped.",
    num_samples: 70000,
    num_features: 784,
    num_classes: 10,
    data_type: "image",
    task_type: "classification",
    target: "label",
    license: "CC BY-SA 3.0",
    citation:
      "LeCun, Y., Bottou, L., Bengio, Y., Haffner, P. (1998). Gradient-based learning applied to document recognition. " +
      "Proceedings of the IEEE 86(11), 2278-2324.",
    source_url: "http://yann.lecun.com/exdb/mnist/",
    file: null,
  },
  {
    id: "fashion-mnist",
    name: "Fashion-MNIST",
    description:
      "Articles of clothing as 28x28 grey images: 60,000 to train, 10,000 to test. Known, not shipped.",
    num_samples: 70000,
    num_features: 784,
    num_classes: 10,
    data_type: "image",
    task_type: "classification",
    target: "label",
    license: "MIT",
    citation:
      "Xiao, H., Rasul, K., Vollgraf, R. (2017). Fashion-MNIST: a novel image dataset for benchmarking machine learning " +
      "algorithms. arXiv:1708.07747.",
    source_url: "https://github.com/zalandoresearch/fashion-mnist",
    file: null,
  },
  {
    id: "cifar-10",
    name: "CIFAR-10",
    description:
      "32x32 colour images of ten kinds of things: 50,000 to train, 10,000 to test. Known, not shipped.",
    num_samples: 60000,
    num_features: 3072,
    num_classes: 10,
    data_type: "image",
    task_type: "classification",
    target: "label",
    license: "No licence stated by the authors",
    citation: "Krizhevsky, A. (2009). Learning multiple layers of features from tiny images.",
    source_url: "https://www.cs.toronto.edu/~kriz/cifar.html",
    file: null,
  },
  {
    id: "cifar-100",
    name: "CIFAR-100",
    description:
      "32x32 colour images of a hundred kinds of things, 600 of each: 50,000 to train, 10,000 to test. Known, not shipped.",
    num_samples: 60000,
    num_features: 3072,
    num_classes: 100,
    data_type: "image",
    task_type: "classification",
    target: "fine_label",
    license: "No licence stated by the authors",
    citation: "Krizhevsky, A. (2009). Learning multiple layers of features from tiny images.",
    source_url: "https://www.cs.toronto.edu/~kriz/cifar.html",
    file: null,
  },
  {
    id: "boston-housing",
    name: "Boston Housing",
    description:
      "Median house values of 506 Boston census tracts. Known, not shipped, on purpose: one of its inputs is built on the " +
      "assumption that racial segregation raises prices, scikit-learn removed it for that reason, and no licence is stated.",
    num_samples: 506,
    num_features: 13,
    num_classes: 0,
    data_type: "tabular",
    task_type: "regression",
    target: "MEDV",
    license: "No licence stated by the authors",
    citation:
      "Harrison, D., Rubinfeld, D. L. (1978). Hedonic housing prices and the demand for clean air. " +
      "Journal of Environmental Economics and Management 5(1), 81-102.",
    source_url: "http://lib.stat.cmu.edu/datasets/boston",
    file: null,
  },
  {
    id: "imdb",
    name: "IMDB Large Movie Review",
    description:
      "Film reviews labelled positive or negative: 25,000 to train, 25,000 to test. Known, not shipped.",
    num_samples: 50000,
    num_features: 0,
    num_classes: 2,
    data_type: "text",
    task_type: "classification",
    target: "sentiment",
    license: "No licence stated by the authors",
    citation:
      "Maas, A. L., Daly, R. E., Pham, P. T., Huang, D., Ng, A. Y., Potts, C. (2011). Learning word vectors for sentiment " +
      "analysis. ACL 2011, 142-150.",
    source_url: "https://ai.stanford.edu/~amaas/data/sentiment/",
    file: null,
  },
  {
    id: "ag-news",
    name: "AG News",
    description:
      "News articles in four topics (world, sports, business, science and technology): 120,000 to train, 7,600 to test. " +
      "Known, not shipped.",
    num_samples: 127600,
    num_features: 0,
    num_classes: 4,
    data_type: "text",
    task_type: "classification",
    target: "label",
    license: "Non-commercial use (terms of the AG corpus)",
    citation:
      "Zhang, X., Zhao, J., LeCun, Y. (2015). Character-level convolutional networks for text classification. NeurIPS 28.",
    source_url: "http://groups.di.unipi.it/~gulli/AG_corpus_of_news_articles.html",
    file: null,
  },
  {
    id: "speech-commands",
    name: "Speech Commands v0.02",
    description:
      "Recordings of 35 spoken words, at most one second each at 16 kHz, by 2,618 speakers. Known, not shipped.",
    num_samples: 105829,
    num_features: 16000,
    num_classes: 35,
    data_type: "audio",
    task_type: "classification",
    target: "label",
    license: "CC BY 4.0",
    citation:
      "Warden, P. (2018). Speech Commands: a dataset for limited-vocabulary speech recognition. arXiv:1804.03209.",
    source_url: "https://www.tensorflow.org/datasets/catalog/speech_commands",
    file: null,
  },
] as const satisfies readonly BuiltinDataset[];
