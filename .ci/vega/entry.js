// What the script of a report uses: expressions are interpreted, so that the page needs no eval.
export { View, parse } from "vega";
export { compile } from "vega-lite";
export { expressionInterpreter } from "vega-interpreter";
