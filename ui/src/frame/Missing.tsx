/** Shown for an address that is no page. */

import { Empty } from "../parts/Empty";
import { Link } from "../parts/Link";
import { Page } from "../parts/Page";

export function Missing() {
  return (
    <Page title="No such page">
      <Empty title="There is nothing at this address.">
        Runs are under <Link to="/runs">Runs</Link>, flows under <Link to="/flows">Flows</Link>, and
        tables and columns in the <Link to="/catalogue">Catalogue</Link>.
      </Empty>
    </Page>
  );
}
