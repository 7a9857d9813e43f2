// The page of a course plan, which loads this: both its files move to the day the reader chooses.
{
  const field = document.getElementById("plan-start");
  const shown = document.querySelector("#plan-files output");
  const links = document.querySelectorAll("#plan-files a");
  // The first day of an event, the day after its last, and the date of a line of the table.
  const dates = /^(DTSTART[^:]*:|DTEND[^:]*:|)(\d{4})(-?)(\d\d)\3(\d\d)/gm;
  const form = { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };

  field.value = field.defaultValue; // a browser may keep what was chosen before a reload
  const written = field.valueAsNumber; // the day on which the files of the site begin

  field.addEventListener("change", () => {
    if (!field.validity.valid) return;
    const days = Math.round((field.valueAsNumber - written) / 86400000);
    const moved = (_, name, year, dash, month, day) =>
      name + new Date(Date.UTC(year, month - 1, Number(day) + days))
        .toISOString().slice(0, 10).replaceAll("-", dash);
    for (const link of links) {
      const text = link.dataset.text.replace(dates, moved).replaceAll("\n", "\r\n");
      URL.revokeObjectURL(link.href);
      link.href = URL.createObjectURL(new Blob([text]));
    }
    shown.textContent = field.valueAsDate.toLocaleDateString("en-GB", form).replace(",", "");
  });

  field.closest("p").hidden = false;
}
