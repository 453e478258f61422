create table if not exists core.crime_category_names (
    published_name text primary key check (published_name = lower(btrim(published_name))),
    category text not null references core.crime_categories on update cascade on delete cascade
);
comment on table core.crime_category_names is 'What publishers call each category. A name that is not here is loaded as other, and the import lists it.';
comment on column core.crime_category_names.published_name is 'In lower case, without blanks around it.';

-- What a DBA has edited stays: these are only added where they are missing.
insert into core.crime_categories (category, severity, offence_class, is_street_violence) values
('homicide', 10, 'violence', true),
('sexual offence', 9, 'violence', true),
('armed assault', 8, 'violence', true),
('violence or sexual offence', 7, 'violence', true),
('robbery', 7, 'robbery', true),
('possession of weapons', 6, 'violence', true),
('arson', 5, 'property', false),
('theft from the person', 5, 'robbery', true),
('burglary', 4, 'property', false),
('public order', 4, 'disorder', false),
('criminal damage', 3, 'property', false),
('drugs', 3, 'disorder', false),
('vehicle theft', 3, 'vehicle', false),
('vehicle crime', 3, 'vehicle', false),
('anti-social behaviour', 2, 'disorder', false),
('bicycle theft', 2, 'property', false),
('theft', 2, 'property', false),
('theft from a vehicle', 2, 'vehicle', false),
('other', 2, 'other', false),
('shoplifting', 1, 'property', false)
on conflict (category) do nothing;

insert into core.crime_category_names (published_name, category) values
-- data.police.uk, with the two names it used before 2013
('anti-social behaviour', 'anti-social behaviour'),
('bicycle theft', 'bicycle theft'),
('burglary', 'burglary'),
('criminal damage and arson', 'criminal damage'),
('drugs', 'drugs'),
('other crime', 'other'),
('other theft', 'theft'),
('possession of weapons', 'possession of weapons'),
('public disorder and weapons', 'public order'),
('public order', 'public order'),
('robbery', 'robbery'),
('shoplifting', 'shoplifting'),
('theft from the person', 'theft from the person'),
('vehicle crime', 'vehicle crime'),
('violence and sexual offences', 'violence or sexual offence'),
('violent crime', 'violence or sexual offence'),
-- District of Columbia, Metropolitan Police Department
('arson', 'arson'),
('assault w/dangerous weapon', 'armed assault'),
('homicide', 'homicide'),
('motor vehicle theft', 'vehicle theft'),
('sex abuse', 'sexual offence'),
('theft f/auto', 'theft from a vehicle'),
('theft/other', 'theft')
on conflict (published_name) do nothing;
