//! Which class is what, and who builds it.

use mote_pickle::Node;

use super::answer::{Answer, Classified};
use super::error::{EstimatorError, Refusal};
use super::fields::Fields;
use super::net::Net;
use super::{
    MAX_DEPTH, MAX_ESTIMATORS, bayes, boosting, calibrate, cluster, compose, decompose, discriminant, encode, ensemble,
    linear, multiclass, neighbors, network, scale, select, support, trees,
};
use crate::graph::ValueId;

/// Builds one value of rows.
type Values = fn(&mut Net, &Fields<'_>, ValueId) -> Result<ValueId, EstimatorError>;
/// Builds a classifier's answers.
type Classify = fn(&mut Net, &Fields<'_>, ValueId) -> Result<Classified, EstimatorError>;
/// Builds answers of any kind.
type Any = fn(&mut Net, &Fields<'_>, ValueId) -> Result<Answer, EstimatorError>;

/// The classes that transform rows.
pub(super) const TRANSFORMERS: &[(&str, Values)] = &[
    ("Binarizer", scale::binarizer),
    ("ColumnTransformer", compose::columns),
    ("FeatureUnion", compose::union),
    ("FunctionTransformer", scale::function),
    ("GenericUnivariateSelect", select::univariate),
    ("IncrementalPCA", decompose::pca),
    ("IsotonicRegression", calibrate::isotonic),
    ("KBinsDiscretizer", encode::bins),
    ("KMeans", cluster::distances),
    ("LinearDiscriminantAnalysis", discriminant::transform),
    ("MaxAbsScaler", scale::max_abs),
    ("MinMaxScaler", scale::min_max),
    ("MiniBatchKMeans", cluster::distances),
    ("MissingIndicator", encode::indicator),
    ("Normalizer", scale::normalizer),
    ("OneHotEncoder", encode::one_hot),
    ("OrdinalEncoder", encode::ordinal),
    ("PCA", decompose::pca),
    ("Pipeline", compose::transforming),
    ("PolynomialFeatures", encode::polynomial),
    ("PowerTransformer", scale::power),
    ("QuantileTransformer", scale::quantile),
    ("RFE", select::support),
    ("RFECV", select::support),
    ("RobustScaler", scale::robust),
    ("SelectFdr", select::univariate),
    ("SelectFpr", select::univariate),
    ("SelectFromModel", select::from_model),
    ("SelectFwe", select::univariate),
    ("SelectKBest", select::univariate),
    ("SelectPercentile", select::univariate),
    ("SequentialFeatureSelector", select::support),
    ("SimpleImputer", encode::imputer),
    ("StandardScaler", scale::standard),
    ("TruncatedSVD", decompose::svd),
    ("VarianceThreshold", select::variance),
];

/// The classes that predict numbers.
pub(super) const REGRESSORS: &[(&str, Values)] = &[
    ("ARDRegression", linear::regressor),
    ("AdaBoostRegressor", boosting::ada_regressor),
    ("BaggingRegressor", ensemble::bagging_regressor),
    ("BayesianRidge", linear::regressor),
    ("DecisionTreeRegressor", trees::regressor),
    ("DummyRegressor", linear::dummy_regressor),
    ("ElasticNet", linear::regressor),
    ("ElasticNetCV", linear::regressor),
    ("ExtraTreeRegressor", trees::regressor),
    ("ExtraTreesRegressor", trees::forest_regressor),
    ("GammaRegressor", linear::log_regressor),
    ("GradientBoostingRegressor", boosting::regressor),
    ("HistGradientBoostingRegressor", boosting::hist_regressor),
    ("HuberRegressor", linear::regressor),
    ("IsotonicRegression", calibrate::isotonic),
    ("KNeighborsRegressor", neighbors::regressor),
    ("Lars", linear::regressor),
    ("LarsCV", linear::regressor),
    ("Lasso", linear::regressor),
    ("LassoCV", linear::regressor),
    ("LassoLars", linear::regressor),
    ("LassoLarsCV", linear::regressor),
    ("LassoLarsIC", linear::regressor),
    ("LinearRegression", linear::regressor),
    ("LinearSVR", linear::regressor),
    ("MLPRegressor", network::regressor),
    ("MultiTaskElasticNet", linear::regressor),
    ("MultiTaskElasticNetCV", linear::regressor),
    ("MultiTaskLasso", linear::regressor),
    ("MultiTaskLassoCV", linear::regressor),
    ("NuSVR", support::regressor),
    ("OrthogonalMatchingPursuit", linear::regressor),
    ("OrthogonalMatchingPursuitCV", linear::regressor),
    ("PassiveAggressiveRegressor", linear::regressor),
    ("PoissonRegressor", linear::log_regressor),
    ("QuantileRegressor", linear::regressor),
    ("RANSACRegressor", linear::ransac),
    ("RandomForestRegressor", trees::forest_regressor),
    ("Ridge", linear::regressor),
    ("RidgeCV", linear::regressor),
    ("SGDRegressor", linear::regressor),
    ("SVR", support::regressor),
    ("StackingRegressor", ensemble::stacking_regressor),
    ("TheilSenRegressor", linear::regressor),
    ("TweedieRegressor", linear::tweedie),
    ("VotingRegressor", ensemble::voting_regressor),
];

/// The classes that predict classes.
pub(super) const CLASSIFIERS: &[(&str, Classify)] = &[
    ("AdaBoostClassifier", boosting::ada_classifier),
    ("BaggingClassifier", ensemble::bagging_classifier),
    ("BernoulliNB", bayes::bernoulli),
    ("CalibratedClassifierCV", calibrate::classifier),
    ("CategoricalNB", bayes::categorical),
    ("ComplementNB", bayes::complement),
    ("DecisionTreeClassifier", trees::classifier),
    ("DummyClassifier", linear::dummy_classifier),
    ("ExtraTreeClassifier", trees::classifier),
    ("ExtraTreesClassifier", trees::forest_classifier),
    ("GaussianNB", bayes::gaussian),
    ("GradientBoostingClassifier", boosting::classifier),
    ("HistGradientBoostingClassifier", boosting::hist_classifier),
    ("KNeighborsClassifier", neighbors::classifier),
    ("LinearDiscriminantAnalysis", discriminant::linear),
    ("LinearSVC", linear::classifier),
    ("LogisticRegression", linear::logistic_regression),
    ("LogisticRegressionCV", linear::logistic_regression),
    ("MLPClassifier", network::classifier),
    ("MultinomialNB", bayes::multinomial),
    ("NearestCentroid", neighbors::centroid),
    ("NuSVC", support::classifier),
    ("OneVsOneClassifier", multiclass::one_vs_one),
    ("OneVsRestClassifier", multiclass::one_vs_rest),
    ("OutputCodeClassifier", multiclass::output_code),
    ("PassiveAggressiveClassifier", linear::classifier),
    ("Perceptron", linear::classifier),
    ("QuadraticDiscriminantAnalysis", discriminant::quadratic),
    ("RandomForestClassifier", trees::forest_classifier),
    ("RidgeClassifier", linear::ridge_classifier),
    ("RidgeClassifierCV", linear::ridge_classifier),
    ("SGDClassifier", linear::sgd_classifier),
    ("SVC", support::classifier),
    ("StackingClassifier", ensemble::stacking_classifier),
    ("VotingClassifier", ensemble::voting_classifier),
];

/// The classes that answer otherwise. They come first: what clusters also transforms.
pub(super) const OTHERS: &[(&str, Any)] = &[
    ("GaussianMixture", cluster::mixture),
    ("IsolationForest", trees::isolation),
    ("KMeans", cluster::k_means),
    ("MiniBatchKMeans", cluster::k_means),
    ("OneClassSVM", support::one_class),
    ("Pipeline", compose::pipeline),
    ("SGDOneClassSVM", linear::one_class),
];

/// Builds an estimator of any kind.
pub(super) fn estimate(net: &mut Net, node: Node<'_>, x: ValueId) -> Result<Answer, EstimatorError> {
    let fields = Fields::of(node).ok_or_else(|| EstimatorError::Root(node.kind()))?;
    if let Some(build) = named(OTHERS, fields.class) {
        return within(net, &fields, x, build);
    }
    if let Some(build) = named(CLASSIFIERS, fields.class) {
        return within(net, &fields, x, build).map(Answer::Classified);
    }
    if let Some(build) = named(REGRESSORS, fields.class) {
        return within(net, &fields, x, build).map(Answer::Predicted);
    }
    match named(TRANSFORMERS, fields.class) {
        Some(build) => within(net, &fields, x, build).map(Answer::Transformed),
        None => Err(EstimatorError::Class { class: fields.class, role: "an estimator" }),
    }
}

/// Builds a transformer.
pub(super) fn transform(net: &mut Net, node: Node<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    built(net, node, x, TRANSFORMERS, "a transformer")
}

/// Builds a regressor: `[rows, targets]`. A pipeline is what its last step is.
pub(super) fn regress(net: &mut Net, node: Node<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    match pipeline(net, node, x)? {
        Some(Answer::Predicted(y)) => Ok(y),
        Some(_) => Err(EstimatorError::Class { class: "Pipeline", role: "a regressor" }),
        None => built(net, node, x, REGRESSORS, "a regressor"),
    }
}

/// Builds a classifier.
pub(super) fn classify(net: &mut Net, node: Node<'_>, x: ValueId) -> Result<Classified, EstimatorError> {
    match pipeline(net, node, x)? {
        Some(Answer::Classified(classified)) => Ok(classified),
        Some(_) => Err(EstimatorError::Class { class: "Pipeline", role: "a classifier" }),
        None => built(net, node, x, CLASSIFIERS, "a classifier"),
    }
}

fn pipeline(net: &mut Net, node: Node<'_>, x: ValueId) -> Result<Option<Answer>, EstimatorError> {
    match Fields::of(node) {
        Some(fields) if fields.class == "Pipeline" => within(net, &fields, x, compose::pipeline).map(Some),
        _ => Ok(None),
    }
}

/// How an estimator is built over its input.
type Build<T> = fn(&mut Net, &Fields<'_>, ValueId) -> Result<T, EstimatorError>;

fn built<T>(
    net: &mut Net,
    node: Node<'_>,
    x: ValueId,
    table: &[(&str, Build<T>)],
    role: &'static str,
) -> Result<T, EstimatorError> {
    let fields = Fields::of(node).ok_or_else(|| EstimatorError::Root(node.kind()))?;
    let build = named(table, fields.class).ok_or(EstimatorError::Class { class: fields.class, role })?;
    within(net, &fields, x, build)
}

fn named<T: Copy>(table: &[(&str, T)], class: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == class).map(|&(_, build)| build)
}

/// Runs a builder as one estimator: counted, on as many columns as it was fitted on, and named in what it refuses.
pub(super) fn within<T>(
    net: &mut Net,
    fields: &Fields<'_>,
    x: ValueId,
    build: impl FnOnce(&mut Net, &Fields<'_>, ValueId) -> Result<T, EstimatorError>,
) -> Result<T, EstimatorError> {
    net.estimators += 1;
    if net.estimators > MAX_ESTIMATORS || net.depth == MAX_DEPTH {
        return Err(EstimatorError::Nesting(MAX_ESTIMATORS));
    }
    let fitted = fields.find("n_features_in_").and_then(Node::int).and_then(|count| usize::try_from(count).ok());
    let given = net.width(x);
    if let Some(fitted) = fitted.filter(|&fitted| fitted != given) {
        return Err(fields.refuse(Refusal::Columns { fitted, given }));
    }
    let outer = std::mem::replace(&mut net.emit.node, fields.class.to_owned());
    net.depth += 1;
    let made = build(net, fields, x);
    net.depth -= 1;
    net.emit.node = outer;
    made.map_err(|error| match error {
        EstimatorError::Refused { class: "model", reason } => fields.refuse(reason),
        other => other,
    })
}
