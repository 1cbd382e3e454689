// Worker: a reader beside the page.

import { answer } from "./answering.js";
import { Reader } from "./reader.js";

answer(Reader.open);
