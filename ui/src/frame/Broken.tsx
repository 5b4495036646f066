/** Shown instead of a page that broke, so that the rest stays usable. */

import type { ErrorComponentProps } from "@tanstack/react-router";

import { Button } from "../parts/Button";
import { Page } from "../parts/Page";
import { Problem } from "../parts/Problem";

export function Broken({ error }: ErrorComponentProps) {
  return (
    <Page title="This page broke">
      <Problem error={error} />
      <p>
        <Button onClick={() => window.location.reload()}>Load the page again</Button>
      </p>
    </Page>
  );
}
