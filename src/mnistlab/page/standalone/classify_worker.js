// Worker: a classifier beside the page.

import { answer } from "./answering.js";
import { Classifier } from "./classifier.js";

answer(async (model) => new Classifier(model));
