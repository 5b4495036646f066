/** What keeps runs going: agents, notifications, limits, and who did what. */

import { Page } from "../../parts/Page";
import { Tabs } from "../../parts/Tabs";
import { one, useUrl } from "../../parts/url";
import { Agents } from "./Agents";
import { Audit } from "./Audit";
import { Limits } from "./Limits";
import { Notifications } from "./Notifications";

const TABS = [
  { id: "agents", title: "Agents", shows: Agents },
  { id: "notifications", title: "Notifications", shows: Notifications },
  { id: "limits", title: "Limits", shows: Limits },
  { id: "audit", title: "Who did what", shows: Audit },
] as const;

export default function ServicePage() {
  const [search, change] = useUrl();
  const tab = TABS.find((each) => each.id === one(search.tab)) ?? TABS[0];
  return (
    <Page title="Service">
      <Tabs
        label="Parts of the service"
        tabs={TABS}
        chosen={tab.id}
        onChoose={(id) => change({ tab: id, state: "" })}
      >
        <tab.shows />
      </Tabs>
    </Page>
  );
}
