"""The poster (貼り紙): one alert on one page of A4, for a fax and for a shelter's wall. `page.poster` makes it."""
