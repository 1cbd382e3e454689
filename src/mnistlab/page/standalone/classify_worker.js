// Worker: a classifier beside the page.

import { answer } from "./answering.js";
import { Classifier } from "./classifier.js";

answer((model) => new Classifier(model));
