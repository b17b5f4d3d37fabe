//! Which globals a file may name. Nothing is ever looked up in a Python: what stands here becomes data, all else is an
//! error with its name.

/// A name in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    /// Module.
    pub module: &'static str,
    /// Name in the module.
    pub name: &'static str,
    pub(crate) role: Role,
}

/// What calling the name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A class or constructor: a call makes an inert object.
    Class,
    /// Only ever a value, such as a function in a parameter.
    Name,
    /// `numpy._core.multiarray._reconstruct`: an array that its state fills.
    Array,
    /// `numpy._core.multiarray.scalar(dtype, bytes)`.
    Scalar,
    /// `numpy._core.numeric._frombuffer(bytes, dtype, shape, order)`.
    FromBuffer,
    /// `numpy.dtype(text, ..)`.
    Dtype,
    /// `_codecs.encode(text, "latin1")`: bytes in protocols 0 to 2.
    Encode,
    /// `bytes()` or `bytearray(bytes)`.
    Bytes,
    /// `set(list)`, `frozenset(list)`.
    Set,
    /// `copyreg._reconstructor(class, object, None)`: an object in protocols 0 and 1.
    Reconstructor,
    /// `joblib.numpy_pickle.NumpyArrayWrapper`: an array whose bytes follow its description.
    Wrapper,
}

use Role::{Array, Bytes, Class, Dtype, Encode, FromBuffer, Name, Reconstructor, Scalar, Set, Wrapper};

/// Names of a module in one role.
type Row = (&'static str, Role, &'static [&'static str]);

/// The global of a module and name.
pub(crate) fn find(module: &str, name: &str) -> Option<Global> {
    LISTED.iter().filter(|row| row.0 == module).find_map(|&(module, role, names)| {
        let name = names.iter().find(|listed| **listed == name)?;
        Some(Global { module, name, role })
    })
}

/// Distances of k-d and ball trees, of which all but the plainest are refused when they matter.
const DISTANCES: &[&str] = &[
    "newObj",
    "EuclideanDistance",
    "EuclideanDistance64",
    "ManhattanDistance",
    "ManhattanDistance64",
    "ChebyshevDistance",
    "ChebyshevDistance64",
    "MinkowskiDistance",
    "MinkowskiDistance64",
];
const LOSSES: &[&str] = &[
    "CyAbsoluteError",
    "CyExponentialLoss",
    "CyHalfBinomialLoss",
    "CyHalfGammaLoss",
    "CyHalfMultinomialLoss",
    "CyHalfPoissonLoss",
    "CyHalfSquaredError",
    "CyHalfTweedieLoss",
    "CyHalfTweedieLossIdentity",
    "CyHuberLoss",
    "CyPinballLoss",
    "__pyx_unpickle_CyAbsoluteError",
    "__pyx_unpickle_CyExponentialLoss",
    "__pyx_unpickle_CyHalfBinomialLoss",
    "__pyx_unpickle_CyHalfGammaLoss",
    "__pyx_unpickle_CyHalfMultinomialLoss",
    "__pyx_unpickle_CyHalfPoissonLoss",
    "__pyx_unpickle_CyHalfSquaredError",
    "__pyx_unpickle_CyHalfTweedieLoss",
    "__pyx_unpickle_CyHalfTweedieLossIdentity",
    "__pyx_unpickle_CyHuberLoss",
    "__pyx_unpickle_CyPinballLoss",
];
const UFUNCS: &[&str] = &["abs", "absolute", "exp", "expm1", "log", "log1p", "sqrt", "square"];
const SCORES: &[&str] =
    &["chi2", "f_classif", "f_regression", "mutual_info_classif", "mutual_info_regression", "r_regression"];

/// Python, NumPy and joblib, then scikit-learn by module. Protocols below 3 spell Python's modules as Python 2 did.
const LISTED: &[Row] = &[
    ("builtins", Class, &["slice", "object"]),
    ("__builtin__", Class, &["slice", "object"]),
    ("builtins", Bytes, &["bytes", "bytearray"]),
    ("__builtin__", Bytes, &["bytes", "bytearray"]),
    ("builtins", Set, &["set", "frozenset"]),
    ("__builtin__", Set, &["set", "frozenset"]),
    ("builtins", Name, &["int", "float", "bool", "str"]),
    ("__builtin__", Name, &["int", "long", "float", "bool", "str", "unicode"]),
    ("copyreg", Reconstructor, &["_reconstructor"]),
    ("copy_reg", Reconstructor, &["_reconstructor"]),
    ("_codecs", Encode, &["encode"]),
    ("collections", Class, &["OrderedDict", "defaultdict"]),
    ("joblib.numpy_pickle", Wrapper, &["NumpyArrayWrapper"]),
    ("numpy", Dtype, &["dtype"]),
    ("numpy", Name, &["ndarray", "float32", "float64", "int32", "int64", "uint8", "bool_", "object_", "str_"]),
    ("numpy", Name, UFUNCS),
    ("numpy.core._multiarray_umath", Name, UFUNCS),
    ("numpy._core._multiarray_umath", Name, UFUNCS),
    ("numpy.core.multiarray", Array, &["_reconstruct"]),
    ("numpy._core.multiarray", Array, &["_reconstruct"]),
    ("numpy.core.multiarray", Scalar, &["scalar"]),
    ("numpy._core.multiarray", Scalar, &["scalar"]),
    ("numpy.core.numeric", FromBuffer, &["_frombuffer"]),
    ("numpy._core.numeric", FromBuffer, &["_frombuffer"]),
    ("numpy.random._pickle", Class, &["__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"]),
    ("numpy.random._mt19937", Class, &["MT19937"]),
    ("numpy.random._pcg64", Class, &["PCG64"]),
    ("numpy.random.bit_generator", Class, &["SeedSequence", "__pyx_unpickle_SeedSequence"]),
    ("_loss", Class, LOSSES),
    ("sklearn._loss._loss", Class, LOSSES),
    (
        "sklearn._loss.link",
        Class,
        &["HalfLogitLink", "IdentityLink", "Interval", "LogLink", "LogitLink", "MultinomialLogit"],
    ),
    (
        "sklearn._loss.loss",
        Class,
        &[
            "AbsoluteError",
            "ExponentialLoss",
            "HalfBinomialLoss",
            "HalfGammaLoss",
            "HalfMultinomialLoss",
            "HalfPoissonLoss",
            "HalfSquaredError",
            "HalfTweedieLoss",
            "HalfTweedieLossIdentity",
            "HuberLoss",
            "PinballLoss",
        ],
    ),
    ("sklearn.calibration", Class, &["CalibratedClassifierCV", "_CalibratedClassifier", "_SigmoidCalibration"]),
    ("sklearn.cluster._bisect_k_means", Class, &["BisectingKMeans"]),
    ("sklearn.cluster._kmeans", Class, &["KMeans", "MiniBatchKMeans"]),
    ("sklearn.compose._column_transformer", Class, &["ColumnTransformer", "_RemainderColsList"]),
    ("sklearn.compose._target", Class, &["TransformedTargetRegressor"]),
    ("sklearn.cross_decomposition._pls", Class, &["CCA", "PLSCanonical", "PLSRegression"]),
    ("sklearn.decomposition._incremental_pca", Class, &["IncrementalPCA"]),
    ("sklearn.decomposition._pca", Class, &["PCA"]),
    ("sklearn.decomposition._truncated_svd", Class, &["TruncatedSVD"]),
    ("sklearn.discriminant_analysis", Class, &["LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"]),
    ("sklearn.dummy", Class, &["DummyClassifier", "DummyRegressor"]),
    ("sklearn.ensemble._bagging", Class, &["BaggingClassifier", "BaggingRegressor"]),
    (
        "sklearn.ensemble._forest",
        Class,
        &["ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor"],
    ),
    ("sklearn.ensemble._gb", Class, &["GradientBoostingClassifier", "GradientBoostingRegressor"]),
    (
        "sklearn.ensemble._gb_losses",
        Class,
        &[
            "BinomialDeviance",
            "ExponentialLoss",
            "HuberLossFunction",
            "LeastAbsoluteError",
            "LeastSquaresError",
            "MultinomialDeviance",
            "QuantileLossFunction",
        ],
    ),
    ("sklearn.ensemble._hist_gradient_boosting.binning", Class, &["_BinMapper"]),
    (
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
        Class,
        &["HistGradientBoostingClassifier", "HistGradientBoostingRegressor"],
    ),
    ("sklearn.ensemble._hist_gradient_boosting.predictor", Class, &["TreePredictor"]),
    ("sklearn.ensemble._iforest", Class, &["IsolationForest"]),
    ("sklearn.ensemble._stacking", Class, &["StackingClassifier", "StackingRegressor"]),
    ("sklearn.ensemble._voting", Class, &["VotingClassifier", "VotingRegressor"]),
    ("sklearn.ensemble._weight_boosting", Class, &["AdaBoostClassifier", "AdaBoostRegressor"]),
    ("sklearn.feature_selection._from_model", Class, &["SelectFromModel"]),
    ("sklearn.feature_selection._rfe", Class, &["RFE", "RFECV"]),
    ("sklearn.feature_selection._sequential", Class, &["SequentialFeatureSelector"]),
    ("sklearn.feature_selection._mutual_info", Name, SCORES),
    ("sklearn.feature_selection._univariate_selection", Name, SCORES),
    (
        "sklearn.feature_selection._univariate_selection",
        Class,
        &["GenericUnivariateSelect", "SelectFdr", "SelectFpr", "SelectFwe", "SelectKBest", "SelectPercentile"],
    ),
    ("sklearn.feature_selection._variance_threshold", Class, &["VarianceThreshold"]),
    ("sklearn.impute._base", Class, &["MissingIndicator", "SimpleImputer"]),
    ("sklearn.isotonic", Class, &["IsotonicRegression"]),
    ("sklearn.linear_model._base", Class, &["LinearRegression"]),
    ("sklearn.linear_model._bayes", Class, &["ARDRegression", "BayesianRidge"]),
    (
        "sklearn.linear_model._coordinate_descent",
        Class,
        &[
            "ElasticNet",
            "ElasticNetCV",
            "Lasso",
            "LassoCV",
            "MultiTaskElasticNet",
            "MultiTaskElasticNetCV",
            "MultiTaskLasso",
            "MultiTaskLassoCV",
        ],
    ),
    ("sklearn.linear_model._glm.glm", Class, &["GammaRegressor", "PoissonRegressor", "TweedieRegressor"]),
    ("sklearn.linear_model._huber", Class, &["HuberRegressor"]),
    ("sklearn.linear_model._least_angle", Class, &["Lars", "LarsCV", "LassoLars", "LassoLarsCV", "LassoLarsIC"]),
    ("sklearn.linear_model._logistic", Class, &["LogisticRegression", "LogisticRegressionCV"]),
    ("sklearn.linear_model._omp", Class, &["OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV"]),
    ("sklearn.linear_model._passive_aggressive", Class, &["PassiveAggressiveClassifier", "PassiveAggressiveRegressor"]),
    ("sklearn.linear_model._perceptron", Class, &["Perceptron"]),
    ("sklearn.linear_model._quantile", Class, &["QuantileRegressor"]),
    ("sklearn.linear_model._ransac", Class, &["RANSACRegressor"]),
    ("sklearn.linear_model._ridge", Class, &["Ridge", "RidgeCV", "RidgeClassifier", "RidgeClassifierCV"]),
    (
        "sklearn.linear_model._sgd_fast",
        Class,
        &[
            "EpsilonInsensitive",
            "Hinge",
            "Huber",
            "Log",
            "ModifiedHuber",
            "SquaredEpsilonInsensitive",
            "SquaredHinge",
            "SquaredLoss",
        ],
    ),
    ("sklearn.linear_model._stochastic_gradient", Class, &["SGDClassifier", "SGDOneClassSVM", "SGDRegressor"]),
    ("sklearn.linear_model._theil_sen", Class, &["TheilSenRegressor"]),
    ("sklearn.metrics._dist_metrics", Class, DISTANCES),
    ("sklearn.mixture._gaussian_mixture", Class, &["GaussianMixture"]),
    (
        "sklearn.multiclass",
        Class,
        &["OneVsOneClassifier", "OneVsRestClassifier", "OutputCodeClassifier", "_ConstantPredictor"],
    ),
    ("sklearn.multioutput", Class, &["MultiOutputRegressor"]),
    ("sklearn.naive_bayes", Class, &["BernoulliNB", "CategoricalNB", "ComplementNB", "GaussianNB", "MultinomialNB"]),
    ("sklearn.neighbors._ball_tree", Class, &["BallTree", "BallTree64", "newObj"]),
    ("sklearn.neighbors._classification", Class, &["KNeighborsClassifier"]),
    ("sklearn.neighbors._kd_tree", Class, &["KDTree", "KDTree64", "newObj"]),
    ("sklearn.neighbors._nearest_centroid", Class, &["NearestCentroid"]),
    ("sklearn.neighbors._regression", Class, &["KNeighborsRegressor"]),
    ("sklearn.neural_network._multilayer_perceptron", Class, &["MLPClassifier", "MLPRegressor"]),
    ("sklearn.neural_network._stochastic_optimizers", Class, &["AdamOptimizer", "SGDOptimizer"]),
    ("sklearn.pipeline", Class, &["FeatureUnion", "Pipeline"]),
    (
        "sklearn.preprocessing._data",
        Class,
        &[
            "Binarizer",
            "MaxAbsScaler",
            "MinMaxScaler",
            "Normalizer",
            "PowerTransformer",
            "QuantileTransformer",
            "RobustScaler",
            "StandardScaler",
        ],
    ),
    ("sklearn.preprocessing._discretization", Class, &["KBinsDiscretizer"]),
    ("sklearn.preprocessing._encoders", Class, &["OneHotEncoder", "OrdinalEncoder"]),
    ("sklearn.preprocessing._function_transformer", Class, &["FunctionTransformer"]),
    ("sklearn.preprocessing._label", Class, &["LabelBinarizer", "LabelEncoder"]),
    ("sklearn.preprocessing._polynomial", Class, &["PolynomialFeatures"]),
    ("sklearn.svm._classes", Class, &["LinearSVC", "LinearSVR", "NuSVC", "NuSVR", "OneClassSVM", "SVC", "SVR"]),
    (
        "sklearn.tree._classes",
        Class,
        &["DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"],
    ),
    ("sklearn.tree._tree", Class, &["Tree"]),
    ("sklearn.utils", Class, &["Bunch"]),
    ("sklearn.utils._bunch", Class, &["Bunch"]),
];
