import helper_that_fails

from modelport import Model

model = Model(look=helper_that_fails.look)
