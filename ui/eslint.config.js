import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import ts from "typescript-eslint";

export default defineConfig(globalIgnores(["node_modules", "dist"]), {
  files: ["src/**/*.{ts,tsx}"],
  extends: [js.configs.recommended, ts.configs.recommended, hooks.configs.flat.recommended],
  rules: {
    "no-restricted-syntax": [
      "error",
      {
        selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
        message: "Text stays text: names and logs come from other people.",
      },
      {
        selector: "AssignmentExpression[left.property.name=/^(inner|outer)HTML$/]",
        message: "Text stays text: names and logs come from other people.",
      },
    ],
  },
});
