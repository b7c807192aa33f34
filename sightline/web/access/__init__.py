"""Who may open the page, and what protects it from other sites."""
