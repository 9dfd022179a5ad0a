"""The parts of scikit-learn that a data-only package may hold, each read and found to compute and nothing else.

What is left out is not wrong, but its compiled code believes the numbers in a file (support vector machines, trees for
neighbours, histogram gradient boosting, k-means) or calls what it is given; a package with such a part is code-bearing.
"""

from __future__ import annotations

__all__ = ["CLASSES", "FUNCTIONS", "PLAIN_TYPES", "SINGLE"]

_BY_MODULE = {
    "calibration": "CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration",
    "compose._column_transformer": "ColumnTransformer",
    "compose._target": "TransformedTargetRegressor",
    "decomposition._factor_analysis": "FactorAnalysis",
    "decomposition._fastica": "FastICA",
    "decomposition._incremental_pca": "IncrementalPCA",
    "decomposition._pca": "PCA",
    "decomposition._truncated_svd": "TruncatedSVD",
    "discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "dummy": "DummyClassifier DummyRegressor",
    "ensemble._bagging": "BaggingClassifier BaggingRegressor",
    "ensemble._forest": "ExtraTreesClassifier ExtraTreesRegressor RandomForestClassifier RandomForestRegressor",
    "ensemble._gb": "GradientBoostingClassifier GradientBoostingRegressor",
    "ensemble._stacking": "StackingClassifier StackingRegressor",
    "ensemble._voting": "VotingClassifier VotingRegressor",
    "ensemble._weight_boosting": "AdaBoostClassifier AdaBoostRegressor",
    "feature_extraction.text": "CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer",
    "feature_selection._from_model": "SelectFromModel",
    "feature_selection._rfe": "RFE RFECV",
    "feature_selection._univariate_selection": "GenericUnivariateSelect SelectFdr SelectFpr SelectFwe SelectKBest"
    " SelectPercentile",
    "feature_selection._variance_threshold": "VarianceThreshold",
    "gaussian_process._gpc": "GaussianProcessClassifier _BinaryGaussianProcessClassifierLaplace",
    "gaussian_process._gpr": "GaussianProcessRegressor",
    "gaussian_process.kernels": "ConstantKernel Matern Product RBF Sum WhiteKernel",
    "impute._base": "MissingIndicator SimpleImputer",
    "kernel_approximation": "RBFSampler",
    "linear_model._base": "LinearRegression",
    "linear_model._bayes": "ARDRegression BayesianRidge",
    "linear_model._coordinate_descent": "ElasticNet ElasticNetCV Lasso LassoCV MultiTaskElasticNet MultiTaskLasso",
    "linear_model._glm.glm": "GammaRegressor PoissonRegressor TweedieRegressor",
    "linear_model._huber": "HuberRegressor",
    "linear_model._least_angle": "Lars LarsCV LassoLars LassoLarsCV LassoLarsIC",
    "linear_model._logistic": "LogisticRegression LogisticRegressionCV",
    "linear_model._omp": "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV",
    "linear_model._perceptron": "Perceptron",
    "linear_model._quantile": "QuantileRegressor",
    "linear_model._ransac": "RANSACRegressor",
    "linear_model._ridge": "Ridge RidgeCV RidgeClassifier RidgeClassifierCV",
    "linear_model._stochastic_gradient": "SGDClassifier SGDOneClassSVM SGDRegressor",
    "linear_model._theil_sen": "TheilSenRegressor",
    "mixture._gaussian_mixture": "GaussianMixture",
    "multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier _ConstantPredictor",
    "multioutput": "ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain",
    "naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
    "neural_network._multilayer_perceptron": "MLPClassifier MLPRegressor",
    "neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "pipeline": "FeatureUnion Pipeline",
    "preprocessing._data": "Binarizer KernelCenterer MaxAbsScaler MinMaxScaler Normalizer"
    " PowerTransformer QuantileTransformer RobustScaler StandardScaler",
    "preprocessing._discretization": "KBinsDiscretizer",
    "preprocessing._encoders": "OneHotEncoder OrdinalEncoder",
    "preprocessing._function_transformer": "FunctionTransformer",
    "preprocessing._label": "LabelBinarizer LabelEncoder",
    "preprocessing._polynomial": "PolynomialFeatures",
    "random_projection": "GaussianRandomProjection",
    "svm._classes": "LinearSVC LinearSVR",
    "tree._classes": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
    "_loss.link": "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit",
    "_loss.loss": "AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss HalfPoissonLoss"
    " HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss",
}

CLASSES = frozenset(f"sklearn.{module}.{name}" for module, names in _BY_MODULE.items() for name in names.split())
"""The classes of objects: each computes with arrays, in Python or with places that are checked."""

_SCORES = "chi2 f_classif f_regression"  # of a selector, which calls them when it is trained, and then no more
_UFUNCS = (
    "absolute cbrt ceil cos cosh deg2rad exp exp2 expm1 fabs floor log log10 log1p log2 negative positive rad2deg"
    " reciprocal rint sign sin sinh sqrt square tan tanh trunc"
)
FUNCTIONS = frozenset(
    {
        *(f"sklearn.feature_selection._univariate_selection.{name}" for name in _SCORES.split()),
        *(f"numpy.{name}" for name in _UFUNCS.split()),
        *(f"numpy._core._multiarray_umath.{name}" for name in _UFUNCS.split()),
    }
)
"""The functions that a part may be told to call: of one array, element by element."""

SINGLE = frozenset(
    f"numpy.{name}"
    for name in (
        "bool", "bool_", "str_", "float16", "float32", "float64",
        *(f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)),
    )
)  # fmt: skip
"""NumPy's types of single values."""

PLAIN_TYPES = frozenset({*(f"builtins.{name}" for name in ("bool", "float", "int", "str")), *SINGLE})
"""The types that may stand as types, where a part says of what type something is."""
