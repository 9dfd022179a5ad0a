"""As the client 1.0.1 teaches it, with a data frame, a raw type, requirements and options."""

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from modelport.acumos.metadata import Options, Requirements
from modelport.acumos.modeling import List, Model, create_dataframe, new_type
from modelport.acumos.session import AcumosSession

iris = load_iris()
X = iris.data
y = iris.target

clf = RandomForestClassifier(n_estimators=5, random_state=0)
clf.fit(X, y)

# here, an appropriate NamedTuple type is inferred from a pandas DataFrame
X_df = pd.DataFrame(X, columns=iris.feature_names)
IrisDataFrame = create_dataframe('IrisDataFrame', X_df)
Settings = new_type(dict, 'Settings', {'source': 'the tutorial'}, 'what is asked for')


def classify_iris(df: IrisDataFrame) -> List[int]:
    """Returns an array of iris classifications"""
    X = np.column_stack(df)
    return clf.predict(X)


def ask(settings: Settings) -> List[str]:
    """Returns the names of the settings"""
    return sorted(settings)


session = AcumosSession()
model = Model(classify=classify_iris, ask=ask)
requirements = Requirements(reqs=['packaging'], req_map={'sklearn': 'scikit-learn'})
session.push(model, 'my-iris', requirements, options=Options(license='As one likes.'))
session.dump_zip(model, 'my-iris', './my-iris.zip', requirements)
